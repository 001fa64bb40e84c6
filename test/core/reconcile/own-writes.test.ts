/** Own writes over a lagging cache, against a model of the server's whole history. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { CacheObject } from 'gyre/informers';
import { OwnWrites } from '#src/core/reconcile/own-writes.js';
import { ObjectCache } from '#src/informers/index.js';

interface Thing extends CacheObject {
  readonly metadata: CacheObject['metadata'] & { readonly labels: { readonly color: string } };
}

const names = ['a', 'b', 'c', 'd'];
const colors = ['red', 'blue'];

/** A server that remembers every state it was in. */
class History {
  version = 100;
  #uids = 0;
  readonly states = new Map<number, ReadonlyMap<string, Thing>>([[100, new Map()]]);

  get now(): ReadonlyMap<string, Thing> {
    return this.states.get(this.version) as ReadonlyMap<string, Thing>;
  }
  at(version: number): ReadonlyMap<string, Thing> {
    return this.states.get(version) as ReadonlyMap<string, Thing>;
  }
  write(name: string, color: string): Thing {
    const uid = this.now.get(name)?.metadata.uid ?? `uid-${++this.#uids}`;
    const next = new Map(this.now);
    const thing: Thing = {
      metadata: { name, uid, resourceVersion: String(this.version + 1), labels: { color } },
    };
    next.set(name, thing);
    this.states.set(++this.version, next);
    return thing;
  }
  /** What was deleted. */
  delete(name: string): Thing | undefined {
    const gone = this.now.get(name);
    if (!gone) return undefined;
    const next = new Map(this.now);
    next.delete(name);
    this.states.set(++this.version, next);
    return gone;
  }
}

/** A real cache that follows the history, one event or one relist at a time. */
class Follower {
  readonly cache = new ObjectCache<Thing>();
  readonly own: OwnWrites<Thing>;
  version = 100;

  constructor(private readonly history: History) {
    this.own = new OwnWrites<Thing>(this.cache);
    this.own.addIndex('color', (thing) => [thing.metadata.labels.color]);
    this.cache.addIndex('color', (thing) => [thing.metadata.labels.color]);
    this.relist(100);
  }
  relist(version: number): void {
    this.cache.beginInit();
    for (const thing of this.history.at(version).values()) this.cache.initApply(thing);
    for (const event of this.cache.finishInit(String(version))) this.own.onEvent(event, () => {});
    this.version = version;
  }
  step(): void {
    if (this.version === this.history.version) return;
    const before = this.history.at(this.version);
    const after = this.history.at(++this.version);
    for (const [name, thing] of after) {
      if (before.get(name) === thing) continue;
      const event = this.cache.apply(thing);
      if (event) this.own.onEvent(event, () => {});
    }
    for (const [name, thing] of before) {
      if (after.has(name)) continue;
      const last: Thing = { metadata: { ...thing.metadata, resourceVersion: String(this.version) } };
      const event = this.cache.delete(last);
      if (event) this.own.onEvent(event, () => {});
    }
  }
}

type Op =
  | { readonly do: 'own' | 'foreign'; readonly name: string; readonly color: string }
  | { readonly do: 'own-delete' | 'foreign-delete'; readonly name: string }
  | { readonly do: 'answer'; readonly which: number }
  | { readonly do: 'step' }
  | { readonly do: 'relist'; readonly to: number };

const name = fc.constantFrom(...names);
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    do: fc.constantFrom('own' as const, 'foreign' as const),
    name,
    color: fc.constantFrom(...colors),
  }),
  fc.record({ do: fc.constantFrom('own-delete' as const, 'foreign-delete' as const), name }),
  fc.record({ do: fc.constant('answer' as const), which: fc.nat(5) }),
  fc.record({ do: fc.constant('step' as const) }),
  fc.record({ do: fc.constant('relist' as const), to: fc.nat(20) }),
);

describe('OwnWrites', () => {
  it('shows every answered write or something newer, in get, list, index, keys and size', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        const history = new History();
        const follower = new Follower(history);
        const { own } = follower;
        /** The version up to which this controller knows of a name by its own writes. */
        const known = new Map<string, number>();
        const deleted = new Set<string>();
        let blind = 0;
        const unanswered: (() => void)[] = [];
        const knows = (of: string, version: number): void => {
          known.set(of, Math.max(known.get(of) ?? 0, version));
        };
        for (const each of ops) {
          if (each.do === 'own') {
            const thing = history.write(each.name, each.color);
            unanswered.push(() => {
              own.wrote(thing);
              knows(each.name, Number(thing.metadata.resourceVersion));
            });
          } else if (each.do === 'own-delete') {
            const gone = history.delete(each.name);
            if (!gone) continue;
            const at = history.version;
            // A deletion of something nobody here has seen is remembered until it is seen, which may be never.
            if (own.get(each.name)?.metadata.uid !== gone.metadata.uid) blind++;
            const { uid } = gone.metadata;
            const before = [own.get(each.name), follower.cache.get(each.name)].map((of) => of?.metadata.uid);
            const answer = own.deleting(each.name);
            unanswered.push(() => {
              const shown = own.get(each.name)?.metadata.uid;
              answer(uid);
              for (const known of [uid, ...before]) if (known) deleted.add(known);
              // The answer has no version: what was never shown may be older than what is shown.
              if (shown === uid || before.includes(uid)) knows(each.name, at);
            });
          } else if (each.do === 'foreign') history.write(each.name, each.color);
          else if (each.do === 'foreign-delete') history.delete(each.name);
          else if (each.do === 'answer') unanswered.splice(each.which % (unanswered.length || 1), 1)[0]?.();
          else if (each.do === 'step') follower.step();
          else if (each.do === 'relist')
            follower.relist(Math.min(history.version, follower.version + each.to));

          const visible = new Map<string, Thing>();
          for (const of of names) {
            const seen = own.get(of);
            if (seen) visible.set(of, seen);
            const at = Math.max(known.get(of) ?? 0, follower.version);
            expect(deleted.has(seen?.metadata.uid ?? ''), `${of} was deleted`).to.equal(false);
            const expected = history.at(at).get(of);
            if (expected && deleted.has(expected.metadata.uid)) {
              // Nothing older takes its place.
              const version = Number(expected.metadata.resourceVersion);
              if (seen) expect(Number(seen.metadata.resourceVersion)).to.be.greaterThan(version);
            } else if (expected) {
              expect(seen, `${of} at ${at}`).to.not.equal(undefined);
              expect(Number(seen?.metadata.resourceVersion)).to.be.at.least(
                Number(expected.metadata.resourceVersion),
              );
            } else if (seen) {
              // Only what lags in the cache, never what an own write has replaced.
              expect(seen).to.equal(follower.cache.get(of));
            }
          }
          const byName = (things: readonly Thing[]) => things.map((thing) => thing.metadata.name).sort();
          expect(byName(own.list())).to.deep.equal([...visible.keys()].sort());
          expect([...own.keys()].sort()).to.deep.equal([...visible.keys()].sort());
          expect(own.size).to.equal(visible.size);
          for (const color of colors) {
            const wanted = [...visible.values()].filter((thing) => thing.metadata.labels.color === color);
            expect(byName(own.by('color', color))).to.deep.equal(byName(wanted));
            expect(byName(own.list({ labelSelector: `color=${color}` }))).to.deep.equal(byName(wanted));
          }
        }
        // What is done is forgotten once the cache has seen it all.
        for (const answer of unanswered) answer();
        while (follower.version < history.version) follower.step();
        expect(own.pending).to.be.at.most(blind);
        expect(own.list()).to.have.members([...history.now.values()]);
      }),
      { numRuns: 2000 },
    );
  });

  const thing = (resourceVersion: string, color: string, uid = 'u'): Thing => ({
    metadata: { name: 'a', uid, resourceVersion, labels: { color } },
  });
  const cached = (...things: Thing[]): ObjectCache<Thing> => {
    const cache = new ObjectCache<Thing>();
    cache.beginInit();
    for (const each of things) cache.initApply(each);
    cache.finishInit('10');
    return cache;
  };

  it('forgets an own write when one of that name that came after it is deleted', () => {
    const cache = cached();
    const own = new OwnWrites<Thing>(cache);
    own.wrote(thing('11', 'red', 'first'));
    const answer = own.deleting('a');
    // Somebody else had deleted the first; the answer names its successor.
    answer('second');
    expect(own.get('a')).to.equal(undefined);
  });

  it('keeps an own write of that name that was answered while the deletion was under way', () => {
    const own = new OwnWrites<Thing>(cached());
    const answer = own.deleting('a');
    own.wrote(thing('13', 'red', 'after'));
    answer('before');
    expect(own.get('a')?.metadata.uid).to.equal('after');
  });

  it('hides an own write that left the selection, until the cache has seen it leave', () => {
    const cache = cached(thing('5', 'red'));
    const own = new OwnWrites<Thing>(cache, { labelSelector: 'color=red' });
    own.wrote(thing('11', 'blue'));
    expect(own.get('a')).to.equal(undefined);
    expect(own.list()).to.deep.equal([]);
    cache.delete(thing('11', 'blue'));
    expect(own.pending).to.equal(0);
  });

  it('shows what it wrote into another namespace, or past a field selector, to nobody', () => {
    const own = new OwnWrites<CacheObject>(cached() as never, {
      namespaces: ['team'],
      fieldSelector: 'spec.nodeName=n1',
    });
    const pod = (namespace: string, nodeName: string) => ({
      metadata: { name: 'p', namespace, uid: `${namespace}${nodeName}`, resourceVersion: '11' },
      spec: { nodeName },
    });
    own.wrote(pod('other', 'n1'));
    own.wrote(pod('team', 'n2'));
    expect(own.list()).to.deep.equal([]);
    own.wrote({ ...pod('team', 'n1'), metadata: { ...pod('team', 'n1').metadata, resourceVersion: '12' } });
    expect(own.list()).to.have.length(1);
  });

  it('forgets everything when the version of the cache goes backwards: the server was restored', () => {
    const cache = cached(thing('5', 'red'));
    const own = new OwnWrites<Thing>(cache);
    own.wrote(thing('11', 'blue'));
    expect(own.get('a')?.metadata.labels.color).to.equal('blue');
    cache.beginInit();
    cache.initApply(thing('4', 'red'));
    cache.finishInit('4');
    expect(own.list().map(({ metadata }) => metadata.labels.color)).to.deep.equal(['red']);
    expect(own.get('a')?.metadata.labels.color).to.equal('red');
  });

  it('withholds exactly the event of an own write, never one of a relist or of somebody else', () => {
    const own = new OwnWrites<Thing>(cached(thing('5', 'red')), { echoes: true });
    const delivered: string[] = [];
    const event = (version: string, initial = false): void =>
      own.onEvent(
        { type: 'Apply', key: 'a', object: thing(version, 'blue'), previous: undefined, initial },
        () => delivered.push(version),
      );
    own.wrote(thing('12', 'blue'));
    event('11');
    event('12', true);
    event('12');
    expect(delivered).to.deep.equal(['11', '12']);
    event('12');
    expect(delivered).to.deep.equal(['11', '12', '12']);
    // The event comes before the answer, with those of others around it.
    delivered.length = 0;
    const answered = own.sending('a');
    for (const version of ['13', '14', '15']) event(version);
    expect(delivered).to.deep.equal([]);
    own.wrote(thing('14', 'blue'));
    answered();
    expect(delivered).to.deep.equal(['13', '15']);
    // A write that failed has no echo.
    delivered.length = 0;
    const failed = own.sending(undefined);
    event('16');
    failed();
    expect(delivered).to.deep.equal(['16']);
  });
});
