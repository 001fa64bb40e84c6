/** What a volume needs next, by table. */
import { expect } from 'chai';
import type { PersistentVolume } from 'gyre/kinds';
import {
  type VolumeAction,
  type VolumeState,
  volumeStep,
} from '#src/builtin-controllers/persistent-volume/volume-step.js';
import { claim, refTo, volume } from './objects.js';

const ref = { claimRef: refTo('mine', 'uid-mine') };
const chosen = { 'pv.kubernetes.io/bound-by-controller': 'yes' };
const held = ['kubernetes.io/pv-controller'];
const local = { 'pv.kubernetes.io/provisioned-by': 'gyre.dev/local-path' };
const csi = { 'pv.kubernetes.io/provisioned-by': 'csi.example.com' };
const bound = claim('mine', { volumeName: 'a' });

function outline(action: VolumeAction): string {
  const { do: what, ...rest } = action as VolumeAction & {
    event?: { reason: string; message: string };
    phase?: string;
    forget?: string;
  };
  const detail =
    rest.phase ?? rest.forget ?? (rest.event ? `${rest.event.reason}: ${rest.event.message}` : '');
  return detail === '' ? what : `${what} ${detail}`;
}
const step = (of: PersistentVolume, more: Partial<VolumeState> = {}): string =>
  outline(volumeStep({ volume: of, claim: undefined, confirmed: false, ...more }));

describe('volumeStep', () => {
  it('PV-8 without claimRef, or with one without UID, is Available', () => {
    expect(step(volume('a', {}, { phase: 'Pending' }))).to.equal('setPhase Available');
    expect(step(volume('a', { claimRef: refTo('mine') }, { phase: 'Pending' }))).to.equal(
      'setPhase Available',
    );
    expect(step(volume('a'))).to.equal('nothing');
  });

  it('PV-8 believes only the server that the claim is missing or another', () => {
    const other = claim('mine', { volumeName: 'a' });
    const replaced = { ...other, metadata: { ...other.metadata, uid: 'uid-new' } };
    const of = volume('a', ref, { phase: 'Bound' });
    for (const known of [undefined, replaced]) {
      expect(step(of, { claim: known })).to.equal('confirm');
      expect(step(of, { claim: known, confirmed: true })).to.equal('setPhase Released');
    }
    expect(step(of, { claim: bound, confirmed: true })).to.equal('nothing');
  });

  it('PV-8 does not overwrite Failed with Released', () => {
    const of = volume('a', { ...ref, persistentVolumeReclaimPolicy: 'Retain' }, { phase: 'Failed' });
    expect(step(of, { confirmed: true })).to.equal('nothing');
  });

  it('PV-8 leaves a half-done bind to the claim', () => {
    expect(step(volume('a', ref), { claim: claim('mine') })).to.equal('awaitClaim');
    expect(step(volume('a', { ...ref, volumeMode: 'Block' }), { claim: claim('mine') })).to.match(
      /^nothing VolumeMismatch/,
    );
  });

  it('PV-8 is Bound when the claim names it', () => {
    expect(step(volume('a', ref), { claim: bound })).to.equal('setPhase Bound');
    expect(step(volume('a', ref, { phase: 'Bound' }), { claim: bound })).to.equal('nothing');
  });

  it('PV-8 is unbound when the claim names another volume', () => {
    const elsewhere = claim('mine', { volumeName: 'b' });
    expect(step(volume('a', ref, { annotations: chosen }), { claim: elsewhere })).to.equal('unbind claimRef');
    expect(step(volume('a', ref), { claim: elsewhere })).to.equal('unbind uid');
  });

  it('PV-8 is reclaimed then, if it was provisioned for nothing', () => {
    const elsewhere = claim('mine', { volumeName: 'b' });
    const spec = { ...ref, persistentVolumeReclaimPolicy: 'Delete' as const };
    const of = volume('a', spec, { annotations: local, finalizers: held });
    expect(step(of, { claim: elsewhere })).to.equal('confirm');
    expect(step(of, { claim: elsewhere, confirmed: true })).to.equal('setPhase Released');
    const retained = volume('a', ref, { annotations: { ...csi, ...chosen } });
    expect(step(retained, { claim: elsewhere })).to.equal('unbind claimRef');
  });

  describe('PV-9 a released volume', () => {
    type Policy = 'Retain' | 'Delete' | 'Recycle';
    const released = (policy: string, more: Parameters<typeof volume>[2] = {}) =>
      volume(
        'a',
        { ...ref, persistentVolumeReclaimPolicy: policy as Policy },
        { phase: 'Released', ...more },
      );
    const rows: readonly (readonly [string, PersistentVolume, string])[] = [
      ['of Retain stays', released('Retain'), 'nothing'],
      ['of Delete is deleted', released('Delete', { annotations: local, finalizers: held }), 'delete'],
      [
        'that failed is tried again',
        released('Delete', { annotations: local, finalizers: held, phase: 'Failed' }),
        'delete',
      ],
      ['of another provisioner is left to that', released('Delete', { annotations: csi }), 'nothing'],
      [
        'that nothing here can delete fails',
        released('Delete'),
        'fail VolumeFailedDelete: error getting deleter volume plugin for volume "a": no deletable volume plugin matched',
      ],
      ['of Recycle is emptied', released('Recycle', { annotations: local }), 'recycle'],
      [
        'that nothing here can empty fails',
        released('Recycle'),
        'fail VolumeFailedRecycle: No recycler plugin found for the volume!',
      ],
      [
        'of an unknown policy fails',
        released('Burn'),
        'fail VolumeUnknownReclaimPolicy: Volume has unrecognized PersistentVolumeReclaimPolicy',
      ],
    ];
    for (const [what, of, expected] of rows)
      it(what, () => expect(step(of, { confirmed: true })).to.equal(expected));
  });

  it('PV-10 is held exactly as long as its policy is Delete', () => {
    const of = (policy: 'Retain' | 'Delete', finalizers: readonly string[], deleting = false) =>
      volume(
        'a',
        { ...ref, persistentVolumeReclaimPolicy: policy },
        { annotations: local, finalizers, deleting, phase: 'Bound' },
      );
    expect(step(of('Delete', []), { claim: bound })).to.equal('hold');
    expect(step(of('Delete', held), { claim: bound })).to.equal('nothing');
    expect(step(of('Retain', held), { claim: bound })).to.equal('release');
    expect(step(of('Delete', [], true), { claim: bound }), 'too late').to.equal('nothing');
  });

  it('PV-10 takes its data along when it is deleted while nobody claims it', () => {
    const spec = { persistentVolumeReclaimPolicy: 'Delete' as const };
    expect(step(volume('a', spec, { annotations: local, finalizers: held, deleting: true }))).to.equal(
      'delete',
    );
    expect(step(volume('a', spec, { annotations: local, deleting: true }))).to.equal('nothing');
  });
});
