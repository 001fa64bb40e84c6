/** What a claim needs next, by table. */
import { expect } from 'chai';
import {
  type ClaimAction,
  type ClaimState,
  claimStep,
} from '#src/builtin-controllers/persistent-volume/claim-step.js';
import { newestDefault } from '#src/builtin-controllers/persistent-volume/storage-class.js';
import { claim, isDefault, refTo, storageClass, volume } from './objects.js';

const completed = { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } };

function step(state: Partial<ClaimState>): ClaimAction {
  return claimStep({
    claim: claim('mine'),
    volume: undefined,
    candidates: [],
    storageClass: undefined,
    defaultClass: undefined,
    unscheduledPods: [],
    ...state,
  });
}
/** The action without its objects. */
function outline(action: ClaimAction): string {
  const event =
    'event' in action && action.event
      ? ` ${action.event.type} ${action.event.reason}: ${action.event.message}`
      : '';
  return `${action.do}${event}`;
}

describe('claimStep', () => {
  it('PV-1 looks for a volume only until the bind was completed once', () => {
    const candidates = [volume('a')];
    expect(outline(step({ candidates }))).to.equal('bind');
    expect(step({ claim: claim('mine', {}, completed), candidates }).do).to.equal('lose');
  });

  describe('PV-4 a claim that names a volume', () => {
    const named = claim('mine', { volumeName: 'a' });
    const rows: readonly (readonly [string, ClaimState['volume'], string])[] = [
      ['waits for one that is missing', undefined, 'wait'],
      ['binds to one that nobody claims', volume('a'), 'bind'],
      ['binds to one that is not Available yet', volume('a', {}, { phase: 'Pending' }), 'bind'],
      [
        'is refused one that does not fit',
        volume('a', { capacity: { storage: '1Mi' } }),
        'wait Warning VolumeMismatch: Cannot bind to requested volume "a": requested PV is too small',
      ],
      ['finishes the bind to its own', volume('a', { claimRef: refTo('mine', 'uid-mine') }), 'bind'],
      [
        'is refused one of somebody else',
        volume('a', { claimRef: refTo('other', 'uid-other') }),
        'wait Warning FailedBinding: volume "a" already bound to a different claim.',
      ],
    ];
    for (const [what, named_, expected] of rows)
      it(what, () => expect(outline(step({ claim: named, volume: named_ }))).to.equal(expected));
  });

  describe('PV-6 without a match', () => {
    const late = storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' });
    const lateClaim = claim('mine', { storageClassName: 'late' });
    it('gives an open claim the default class first', () => {
      const defaultClass = storageClass('standard', { annotations: isDefault });
      expect(step({ defaultClass })).to.deep.include({ do: 'assignClass', storageClass: defaultClass });
      expect(step({ defaultClass, candidates: [volume('a')] }).do, 'a match wins').to.equal('bind');
      expect(
        step({ defaultClass, claim: claim('mine', { storageClassName: '' }) }).do,
        'none wanted',
      ).to.equal('wait');
    });
    it('waits for a first consumer', () => {
      expect(outline(step({ claim: lateClaim, storageClass: late }))).to.equal(
        'wait Normal WaitForFirstConsumer: waiting for first consumer to be created before binding',
      );
    });
    it('says which pods are waited for to be scheduled', () => {
      const state = { claim: lateClaim, storageClass: late };
      expect(outline(step({ ...state, unscheduledPods: ['p'] }))).to.equal(
        'wait Normal WaitForPodScheduled: waiting for pod p to be scheduled',
      );
      expect(outline(step({ ...state, unscheduledPods: ['q', 'p'] }))).to.equal(
        'wait Normal WaitForPodScheduled: waiting for pods p,q to be scheduled',
      );
    });
    it('provisions once the scheduler has chosen a node', () => {
      const annotations = { 'volume.kubernetes.io/selected-node': 'n1' };
      const selected = claim('mine', { storageClassName: 'late' }, { annotations });
      expect(step({ claim: selected, storageClass: late }).do).to.equal('provision');
    });
    it('provisions for a claim with a class', () => {
      const fast = storageClass('fast');
      expect(step({ claim: claim('mine', { storageClassName: 'fast' }), storageClass: fast })).to.deep.equal({
        do: 'provision',
        storageClass: fast,
      });
    });
    it('says so when there is neither volume nor class', () => {
      expect(outline(step({}))).to.equal(
        'wait Normal FailedBinding: no persistent volumes available for this claim and no storage class is set',
      );
    });
    it('says so when the class does not exist, or can provision nothing', () => {
      const fast = claim('mine', { storageClassName: 'fast' });
      expect(outline(step({ claim: fast }))).to.equal(
        'wait Warning ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
      );
      const none = storageClass('fast', { provisioner: 'kubernetes.io/no-provisioner' });
      expect(outline(step({ claim: fast, storageClass: none }))).to.equal(
        'wait Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
      );
    });
  });

  it('PV-10 asks an external provisioner and waits', () => {
    const fast = storageClass('fast', { provisioner: 'csi.example.com' });
    const action = step({ claim: claim('mine', { storageClassName: 'fast' }), storageClass: fast });
    expect(action).to.deep.include({ do: 'askProvisioner', provisioner: 'csi.example.com' });
    expect(outline(action)).to.match(
      /Normal ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'csi\.example\.com'/,
    );
  });

  describe('PV-7 a bound claim', () => {
    const bound = claim('mine', { volumeName: 'a' }, completed);
    const rows: readonly (readonly [string, Partial<ClaimState>, string])[] = [
      [
        'is lost when it lost its volumeName',
        { claim: claim('mine', {}, completed) },
        'lose Warning ClaimLost: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
      ],
      [
        'is lost when the volume is gone',
        { claim: bound },
        'lose Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
      ],
      ['is bound again when the volume forgot it', { claim: bound, volume: volume('a') }, 'bind'],
      [
        'is fine with its own volume',
        { claim: bound, volume: volume('a', { claimRef: refTo('mine', 'uid-mine') }) },
        'bind',
      ],
      [
        'is misbound when the volume is of another UID',
        { claim: bound, volume: volume('a', { claimRef: refTo('mine', 'uid-other') }) },
        'lose Warning ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
      ],
    ];
    for (const [what, state, expected] of rows)
      it(what, () => expect(outline(step(state))).to.equal(expected));
  });

  it('PV-11 of several default classes the newest is taken', () => {
    const classes = [
      storageClass('old', { annotations: isDefault, createdAt: '2026-01-01T00:00:00Z' }),
      storageClass('b', { annotations: isDefault, createdAt: '2026-02-01T00:00:00Z' }),
      storageClass('a', { annotations: isDefault, createdAt: '2026-02-01T00:00:00Z' }),
      storageClass('newest', { createdAt: '2026-03-01T00:00:00Z' }),
    ];
    expect(newestDefault(classes)?.metadata.name).to.equal('a');
    expect(newestDefault([])).to.equal(undefined);
  });
});
