/** Draft patches: what a callback does to a draft, as RFC 6902 operations. */
import { expect } from 'chai';
import fc from 'fast-check';
import { applyJsonPatch, copyJson, isApiError, type JsonValue } from 'gyre/api';
import { draftPatch } from '#src/client/draft.js';

// biome-ignore format: one shape
interface Thing { a?: unknown; list?: unknown[]; labels?: Record<string, unknown> }

const patchOf = (object: Thing, change: (draft: Thing) => void) =>
  draftPatch<Thing>(object, change as (draft: object) => void);

describe('draftPatch', () => {
  it('gives the operations that lead from the object to the draft', () => {
    const operations = patchOf({ a: 1, list: [1, 2], labels: { x: 'y' } }, (draft) => {
      draft.a = 2;
      draft.list?.push(3);
      delete draft.labels?.x;
    });
    expect(operations).to.have.deep.members([
      { op: 'replace', path: '/a', value: 2 },
      { op: 'add', path: '/list/2', value: 3 },
      { op: 'remove', path: '/labels/x' },
    ]);
  });

  it('escapes slash and tilde in pointers', () => {
    const operations = patchOf({ labels: {} }, (draft) => {
      (draft.labels as Record<string, unknown>)['app.kubernetes.io/a~b'] = '1';
    });
    expect(operations).to.deep.equal([{ op: 'add', path: '/labels/app.kubernetes.io~1a~0b', value: '1' }]);
  });

  it('removes what is set to undefined, and ignores undefined where nothing was', () => {
    const operations = patchOf({ a: 1 }, (draft) => {
      draft.a = undefined;
      draft.labels = undefined as never;
    });
    expect(operations).to.deep.equal([{ op: 'remove', path: '/a' }]);
  });

  it('leaves out undefined members of values that are added', () => {
    const operations = patchOf({}, (draft) => {
      draft.a = { kept: 1, dropped: undefined };
    });
    expect(operations).to.deep.equal([{ op: 'add', path: '/a', value: { kept: 1 } }]);
  });

  it('gives nothing for an equal value that was built anew', () => {
    const object = { a: { deep: [1, { x: 'y' }] }, list: [0] };
    expect(
      patchOf(object, (draft) => {
        draft.a = { deep: [1, { x: 'y' }] };
        draft.list = [-0];
      }),
    ).to.deep.equal([]);
  });

  it('ignores what the callback returns, so that an arrow may assign', () => {
    expect(patchOf({ a: 1 }, (draft) => (draft.a = 2))).to.have.length(1);
    expect(patchOf({ a: 1 }, () => ({ a: 3 }))).to.deep.equal([]);
  });

  it('neither changes nor freezes the object, and patches a frozen one', () => {
    const object = { a: 1, labels: { x: 'y' } };
    patchOf(object, (draft) => {
      draft.a = 2;
      (draft.labels as Record<string, unknown>).x = 'z';
    });
    expect(object).to.deep.equal({ a: 1, labels: { x: 'y' } });
    expect(Object.isFrozen(object) || Object.isFrozen(object.labels)).to.equal(false);
    const frozen = Object.freeze({ a: 1 });
    expect(patchOf(frozen, (draft) => (draft.a = 2))).to.have.length(1);
  });

  class Money {
    amount = 1;
  }
  for (const [what, value, message] of [
    ['a Date', new Date(0), /^a: JSON cannot carry an instance of Date; use its toISOString\(\)$/],
    ['a class instance', new Money(), /^a: JSON cannot carry an instance of Money$/],
    ['a Map', new Map(), /^a: JSON cannot carry an instance of Map$/],
    ['NaN', Number.NaN, /^a: NaN is not a JSON number$/],
    ['a function', () => 1, /^a: JSON cannot carry a function$/],
    ['undefined in a list', [undefined], /^a\[0\]: JSON cannot carry undefined$/],
  ] as const) {
    it(`refuses ${what} in a draft, naming the field`, () => {
      expect(() => patchOf({}, (draft) => (draft.a = value)))
        .to.throw(Error, message)
        .that.satisfies((error: unknown) => isApiError(error, 'BadRequest'));
    });
  }

  it('refuses undefined put into a list that was there', () => {
    expect(() =>
      patchOf({ list: [1, 2] }, (draft) => {
        (draft.list as unknown[])[0] = undefined;
      }),
    ).to.throw('list[0]: JSON cannot carry undefined');
  });

  it('refuses an async callback, whose later failure ends nothing', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', listen);
    try {
      const change = async (draft: Thing) => {
        await Promise.resolve();
        draft.a = 2;
      };
      expect(() => patchOf({ a: 1 }, change as never)).to.throw(TypeError, 'must not be async');
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', listen);
    }
    expect(unhandled).to.deep.equal([]);
  });

  it('gives a patch that makes the object what the draft became (any changes)', () => {
    const key = fc.constantFrom('a', 'b', 'a/b', 'm~n', '', '0', '-');
    const leaf = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom('x', '', null, true));
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 2 },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).value;
    const mutation = fc.record({
      /** Which container, counted through the tree. */
      at: fc.nat(20),
      key,
      index: fc.nat(4),
      count: fc.nat(3),
      value,
      kind: fc.constantFrom(
        'set',
        'delete',
        'undefined',
        'splice',
        'push',
        'shift',
        'reverse',
        'length',
        'move',
      ),
    });
    const containers = (root: unknown): (unknown[] | Record<string, unknown>)[] => {
      if (typeof root !== 'object' || root === null) return [];
      return [root as Record<string, unknown>, ...Object.values(root).flatMap(containers)];
    };
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        (object, mutations) => {
          let expected: JsonValue = null;
          const before = copyJson(object);
          const operations = draftPatch(object as object, (draft) => {
            for (const m of mutations) {
              const all = containers(draft);
              const target = all[m.at % all.length];
              const fresh = structuredClone(m.value);
              if (Array.isArray(target)) {
                if (m.kind === 'splice') target.splice(m.index, m.count, fresh);
                else if (m.kind === 'push') target.push(fresh);
                else if (m.kind === 'shift') target.shift();
                else if (m.kind === 'reverse') target.reverse();
                else if (m.kind === 'length') target.length = Math.min(target.length, m.count);
                else if (m.index < target.length) target[m.index] = fresh;
              } else if (target) {
                if (m.kind === 'delete') delete target[m.key];
                else if (m.kind === 'undefined') target[m.key] = undefined;
                else if (m.kind === 'move') {
                  const leafOnly = Object.values(target).find((v) => typeof v !== 'object');
                  if (leafOnly !== undefined) target[m.key] = leafOnly;
                } else target[m.key] = fresh;
              }
            }
            expected = copyJson(JSON.parse(JSON.stringify(draft)));
          });
          expect(object).to.deep.equal(before);
          expect(applyJsonPatch(before, operations as unknown as JsonValue)).to.deep.equal(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});
