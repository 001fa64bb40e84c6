/** Sorted keys against a plain sorted array, over enough of them for many runs. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SortedKeys } from 'gyre/store';

const number = fc.nat(4000);
const key = fc.tuple(fc.constantFrom('/a/', '/a/b/', '/b/'), number).map(([prefix, n]) => prefix + n);

describe('SortedKeys', () => {
  it('holds and scans what a sorted array would (property)', () => {
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1000, maxLength: 3000, size: 'max' }),
        fc.array(fc.record({ drop: key, after: fc.option(key, { nil: undefined }) }), { maxLength: 400 }),
        (added, steps) => {
          const keys = new SortedKeys();
          const model = new Set<string>();
          for (const each of added) {
            keys.add(each);
            model.add(each);
          }
          const scanned = (prefix: string, after?: string): string[] =>
            [...model].sort().filter((k) => k.startsWith(prefix) && (after === undefined || k > after));
          expect(keys.size).to.equal(model.size);
          expect([...keys.scan('/')]).to.deep.equal(scanned('/'));
          for (const { drop } of steps) {
            keys.delete(drop);
            model.delete(drop);
          }
          expect(keys.size).to.equal(model.size);
          for (const prefix of ['/a/', '/a/b/', '/b/', '/', '/c/'])
            for (const after of [undefined, steps[0]?.after, steps[1]?.drop])
              expect([...keys.scan(prefix, after)]).to.deep.equal(scanned(prefix, after));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('takes keys in order and in reverse, and lets all of them go', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `/k/${String(i).padStart(5, '0')}`);
    for (const order of [names, [...names].reverse()]) {
      const keys = new SortedKeys();
      for (const name of order) keys.add(name);
      expect([...keys.scan('/k/')]).to.deep.equal(names);
      for (const name of order) keys.delete(name);
      expect(keys.size).to.equal(0);
      expect([...keys.scan('/')]).to.deep.equal([]);
      keys.add('/k/again');
      expect([...keys.scan('/k/')]).to.deep.equal(['/k/again']);
    }
  });
});
