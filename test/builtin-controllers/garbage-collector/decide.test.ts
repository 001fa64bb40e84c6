/** GC-3 as a table, and the graph by property. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Kind, KubernetesObject } from 'gyre';
import { ConfigMap } from 'gyre/kinds';
import { AbsentOwners } from '#src/builtin-controllers/garbage-collector/absent-owners.js';
import { blocking, decide, type OwnerState } from '#src/builtin-controllers/garbage-collector/decide.js';
import { type Deletion, Graph, type GraphNode } from '#src/builtin-controllers/garbage-collector/graph.js';

const reference = (uid: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid });
const owners = (...states: OwnerState[]) =>
  states.map((state, i) => ({ reference: reference(`o${i}`), state }));
const dependents = (...deleting: (Deletion | undefined)[]) => deleting.map((d) => ({ deleting: d }));

describe('what becomes of an object', () => {
  const verdict = (
    states: readonly OwnerState[],
    rest: { finalizers?: readonly string[]; dependents?: readonly { deleting: Deletion | undefined }[] } = {},
  ) => {
    const result = decide({ owners: owners(...states), finalizers: [], dependents: [], ...rest });
    return result.do === 'disown' ? `disown all but ${result.references.map((r) => r.uid).join()}` : result;
  };
  const deletion = (policy: string, unblock = false) => ({ do: 'delete', policy, unblock });

  it('GC-3 keeps what has no owners, and what has only solid ones', () => {
    expect(verdict([])).to.deep.equal({ do: 'keep' });
    expect(verdict(['solid', 'solid'])).to.deep.equal({ do: 'keep' });
  });
  it('GC-3 only removes dangling and waiting references while one owner is solid', () => {
    expect(verdict(['absent', 'solid'])).to.equal('disown all but o1');
    expect(verdict(['waiting', 'solid', 'absent'])).to.equal('disown all but o1');
  });
  it('GC-3 deletes in the foreground what an owner waits for, if others wait for it in turn', () => {
    expect(verdict(['waiting'], { dependents: dependents(undefined) })).to.deep.equal(deletion('Foreground'));
    expect(verdict(['waiting', 'absent'], { dependents: dependents('background') })).to.deep.equal(
      deletion('Foreground'),
    );
    expect(verdict(['waiting'])).to.deep.equal(deletion('Background'));
  });
  it('GC-3 breaks a circle of objects that wait for each other', () => {
    expect(verdict(['waiting'], { dependents: dependents('foreground') })).to.deep.equal(
      deletion('Foreground', true),
    );
  });
  it('GC-3 deletes in the background by default, and otherwise as finalizers of its own ask', () => {
    expect(verdict(['absent'])).to.deep.equal(deletion('Background'));
    expect(verdict(['absent'], { dependents: dependents(undefined) })).to.deep.equal(deletion('Background'));
    expect(verdict(['absent'], { finalizers: ['orphan'] })).to.deep.equal(deletion('Orphan'));
    expect(verdict(['absent'], { finalizers: ['foregroundDeletion'] })).to.deep.equal(deletion('Foreground'));
  });
  it('GC-4 is blocked only by dependents that ask for it', () => {
    const dependent = (block?: boolean) => ({
      owners: [{ ...reference('o'), ...(block === undefined ? {} : { blockOwnerDeletion: block }) }],
    });
    const all = [dependent(true), dependent(false), dependent()];
    expect(blocking('o', all)).to.deep.equal([all[0]]);
    expect(blocking('other', all)).to.deep.equal([]);
  });
});

describe('the graph of owners', () => {
  const node = (uid: string, of: readonly string[]): GraphNode => ({
    kind: ConfigMap as unknown as Kind<KubernetesObject>,
    uid,
    namespace: 'default',
    name: uid,
    owners: of.map(reference),
    deleting: undefined,
  });
  const step = fc.record({
    uid: fc.integer({ min: 0, max: 6 }),
    owners: fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 3 })),
  });

  it('GC-2 finds exactly the dependents there are, whatever came and went in which order (property)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const graph = new Graph();
        const model = new Map<string, readonly string[]>();
        for (const { uid, owners: of } of steps) {
          const id = `u${uid}`;
          if (of === null) {
            graph.remove(id);
            model.delete(id);
          } else {
            const uids = of.map((o) => `u${o}`);
            graph.observe(node(id, uids));
            model.set(id, uids);
          }
        }
        expect(graph.size).to.equal(model.size);
        for (let i = 0; i <= 6; i++) {
          const expected = [...model].filter(([, of]) => of.includes(`u${i}`)).map(([id]) => id);
          expect(
            graph
              .dependentsOf(`u${i}`)
              .map((n) => n.uid)
              .sort(),
          ).to.deep.equal(expected.sort());
        }
      }),
    );
  });

  it('GC-2 remembers absent owners by all of their identity, the last few hundred of them', () => {
    const absent = new AbsentOwners();
    absent.add(reference('a'), 'default');
    expect(absent.has(reference('a'), 'default')).to.equal(true);
    expect(absent.has(reference('a'), 'other')).to.equal(false);
    expect(absent.has({ ...reference('a'), name: 'b' }, 'default')).to.equal(false);
    for (let i = 0; i < 500; i++) absent.add(reference(`x${i}`), 'default');
    expect(absent.has(reference('a'), 'default')).to.equal(false);
    expect(absent.has(reference('x499'), 'default')).to.equal(true);
  });
});
