/** Which volume a claim gets, without a cluster. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { PersistentVolume, PersistentVolumeClaim } from 'gyre/kinds';
import {
  bestMatch,
  isBoundTo,
  isChoosable,
  mismatch,
} from '#src/builtin-controllers/persistent-volume/matching.js';
import { compareQuantity } from '#src/api/index.js';
import { claim, refTo, volume } from './objects.js';

const chosen = (c: PersistentVolumeClaim, volumes: readonly PersistentVolume[], promisedOnly = false) =>
  bestMatch(c, volumes, { promisedOnly })?.metadata.name;

describe('matching', () => {
  const mine = claim('mine');

  describe('PV-2 skips a volume', () => {
    const rows: readonly (readonly [string, PersistentVolume, PersistentVolumeClaim?])[] = [
      ['of another claim by name', volume('a', { claimRef: refTo('other') })],
      [
        'of a claim of that name in another namespace',
        volume('a', { claimRef: { namespace: 'x', name: 'mine' } }),
      ],
      ['of a former claim of that name, by UID', volume('a', { claimRef: refTo('mine', 'uid-former') })],
      ['that is too small', volume('a', { capacity: { storage: '1023Mi' } })],
      ['of another volumeMode', volume('a', { volumeMode: 'Block' })],
      ['of another volumeAttributesClass', volume('a', { volumeAttributesClassName: 'gold' })],
      ['that is being deleted', volume('a', {}, { deleting: true })],
      [
        'promised to the claim, but too small',
        volume('a', { claimRef: refTo('mine'), capacity: { storage: '1' } }),
      ],
    ];
    for (const [what, candidate] of rows)
      it(what, () => {
        expect(chosen(mine, [candidate])).to.equal(undefined);
        expect(chosen(mine, [candidate, volume('good')])).to.equal('good');
      });
  });

  it('PV-2 takes no volumeMode as Filesystem', () => {
    expect(chosen(claim('mine', { volumeMode: 'Filesystem' }), [volume('a')])).to.equal('a');
    expect(chosen(mine, [volume('a', { volumeMode: 'Filesystem' })])).to.equal('a');
  });

  it('PV-2 lets a promised volume win before phase, selector and class are looked at', () => {
    const picky = claim('mine', { storageClassName: 'fast', selector: { matchLabels: { x: 'y' } } });
    const promised = volume(
      'b',
      { claimRef: refTo('mine'), capacity: { storage: '5Gi' } },
      { phase: 'Pending' },
    );
    const fitting = volume('a', { storageClassName: 'fast' }, { labels: { x: 'y' } });
    expect(chosen(picky, [fitting, promised])).to.equal('b');
    expect(chosen(picky, [promised, fitting])).to.equal('b');
  });

  describe('PV-3 chooses only a volume', () => {
    it('that is Available', () => {
      for (const phase of ['Pending', 'Bound', 'Released', 'Failed'] as const)
        expect(chosen(mine, [volume('a', {}, { phase })]), phase).to.equal(undefined);
    });
    it('whose labels match the selector', () => {
      const picky = claim('mine', { selector: { matchLabels: { tier: 'gold' } } });
      expect(chosen(picky, [volume('a'), volume('b', {}, { labels: { tier: 'gold' } })])).to.equal('b');
    });
    it('of the same class, none being one too', () => {
      expect(chosen(mine, [volume('a', { storageClassName: 'x' })])).to.equal(undefined);
      expect(chosen(mine, [volume('a', { storageClassName: '' })])).to.equal('a');
      expect(chosen(claim('mine', { storageClassName: 'x' }), [volume('a')])).to.equal(undefined);
    });
    it('whose access modes include what is asked for', () => {
      const shared = claim('mine', { accessModes: ['ReadWriteMany'] });
      expect(chosen(shared, [volume('a')])).to.equal(undefined);
      expect(chosen(shared, [volume('a', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] })])).to.equal(
        'a',
      );
    });
  });

  it('PV-3 prefers the smallest that fits', () => {
    const sizes = ['10Gi', '2Gi', '3Gi', '500Mi'].map((storage) =>
      volume(storage, { capacity: { storage } }),
    );
    expect(chosen(claim('mine', { request: '2Gi' }), sizes)).to.equal('2Gi');
    expect(chosen(claim('mine', { request: '2.5Gi' }), sizes)).to.equal('3Gi');
  });

  it('PV-3 prefers fewer access modes before less capacity', () => {
    const wide = volume('wide', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] });
    const big = volume('big', { capacity: { storage: '9Gi' } });
    expect(chosen(mine, [wide, big])).to.equal('big');
  });

  it('PV-6 chooses nothing for a claim that waits for its consumer, but what is promised to it', () => {
    expect(chosen(mine, [volume('a')], true)).to.equal(undefined);
    expect(chosen(mine, [volume('a'), volume('b', { claimRef: refTo('mine') })], true)).to.equal('b');
  });

  it('PV-4 says why a requested volume will not do', () => {
    const rows: readonly (readonly [PersistentVolume, string | undefined])[] = [
      [volume('a'), undefined],
      [volume('a', {}, { phase: 'Pending' }), undefined],
      [volume('a', {}, { deleting: true }), 'the volume is marked for deletion "a"'],
      [volume('a', { capacity: { storage: '1Mi' } }), 'requested PV is too small'],
      [volume('a', { storageClassName: 'x' }), 'storageClassName does not match'],
      [volume('a', { volumeAttributesClassName: 'x' }), 'volumeAttributesClassName does not match'],
      [volume('a', { volumeMode: 'Block' }), 'incompatible volumeMode'],
      [volume('a', { accessModes: ['ReadOnlyMany'] }), 'incompatible accessMode'],
    ];
    for (const [candidate, why] of rows) expect(mismatch(candidate, mine)).to.equal(why);
  });

  it('PV-3 for any volumes: the chosen one fits, and no fitting one is smaller with as few modes', () => {
    const modes = fc.subarray(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'] as const, { minLength: 1 });
    const size = fc.integer({ min: 1, max: 6 }).map((n) => `${n * 512}Mi`);
    const className = fc.constantFrom('', 'x');
    const volumes = fc.array(
      fc.record({
        accessModes: modes,
        storage: size,
        storageClassName: className,
        ref: fc.constantFrom(undefined, undefined, refTo('mine'), refTo('mine', 'gone'), refTo('other')),
        phase: fc.constantFrom('Available' as const, 'Available' as const, 'Bound' as const),
        deleting: fc.constantFrom(false, false, true),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(volumes, modes, size, className, (specs, accessModes, request, storageClassName) => {
        const wanting = claim('mine', { accessModes, request, storageClassName });
        const all = specs.map(({ storage, ref, phase, deleting, ...spec }, i) =>
          volume(
            `v${i}`,
            { ...spec, capacity: { storage }, ...(ref ? { claimRef: ref } : {}) },
            { phase, deleting },
          ),
        );
        const best = bestMatch(wanting, all, { promisedOnly: false });
        const fitting = all.filter((v) => isChoosable(v, wanting));
        if (!best) {
          expect(fitting).to.deep.equal([]);
          return;
        }
        const capacity = (v: PersistentVolume) => v.spec?.capacity?.storage ?? '';
        const count = (v: PersistentVolume) => v.spec?.accessModes?.length ?? 0;
        expect(compareQuantity(capacity(best), request)).to.be.greaterThan(-1);
        expect(best.spec?.accessModes).to.include.members(accessModes);
        expect(best.metadata.deletionTimestamp).to.equal(undefined);
        if (isBoundTo(best, wanting)) {
          expect(best.spec?.claimRef?.uid).to.equal(undefined);
          return;
        }
        expect(fitting).to.include(best);
        for (const other of fitting) {
          expect(count(other)).to.be.at.least(count(best));
          if (count(other) === count(best))
            expect(compareQuantity(capacity(other), capacity(best))).to.be.greaterThan(-1);
        }
      }),
    );
  });
});
