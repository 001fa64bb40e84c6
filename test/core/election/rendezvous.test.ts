import { expect } from 'chai';
import * as fc from 'fast-check';
import { ownersOf, ringOf, slotCount, slotOf } from '#src/core/election/rendezvous.js';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 2, maxLength: 12 });

function ownerBySlot(members: readonly string[]): string[] {
  const ring = ringOf(members);
  return Array.from(ownersOf(ring), (position) => ring[position] as string);
}

describe('rendezvous hashing', () => {
  it('moves slots only to who joins, and only those of who leaves', () => {
    fc.assert(
      fc.property(names, ([joining, ...others]) => {
        const before = ownerBySlot(others);
        const after = ownerBySlot([joining as string, ...others]);
        for (let slot = 0; slot < slotCount; slot++)
          if (after[slot] !== before[slot]) expect(after[slot]).to.equal(joining);
      }),
    );
  });

  it('gives all members the same answer, in whatever order they know each other', () => {
    fc.assert(
      fc.property(names, (members) => {
        expect(ownerBySlot(members.toReversed())).to.deep.equal(ownerBySlot(members));
      }),
    );
  });

  it('divides slots evenly among pods of one Deployment, within a quarter', () => {
    for (const count of [2, 3, 5, 10]) {
      const members = Array.from({ length: count }, (_, i) => `operator-7d9c5b8f4-${i}x2lq_${i}`);
      const shares = new Map<string, number>();
      for (const owner of ownerBySlot(members)) shares.set(owner, (shares.get(owner) ?? 0) + 1);
      for (const share of shares.values())
        expect(share).to.be.within((slotCount / count) * 0.75, (slotCount / count) * 1.25);
      expect(shares.size).to.equal(count);
    }
  });

  it('spreads keys that differ in little over the slots', () => {
    const slots = new Set(Array.from({ length: slotCount }, (_, i) => slotOf(`default/web-${i}`)));
    // As many different ones as chance gives: 1 − 1/e.
    expect(slots.size).to.be.within(slotCount * 0.6, slotCount * 0.66);
  });

  it('keeps the slot of a key and the owner of a slot: members of different releases must agree', () => {
    expect([slotOf('default/web'), slotOf('a'), slotOf('')]).to.deep.equal([2525, 2599, 3083]);
    expect(ownerBySlot(['a', 'b', 'c']).slice(0, 12).join('')).to.equal('bcaaababacbb');
  });
});
