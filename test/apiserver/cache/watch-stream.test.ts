/** A watcher with an interest is told of fewer changes; what it delivers must be what it would deliver without. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import type { WatchEvent } from 'gyre/api';
import { VirtualClock } from 'gyre/testing';
import { Dispatch, type Interest } from '#src/apiserver/cache/dispatch.js';
import { ResourceCache, type StampedObject } from '#src/apiserver/cache/resource-cache.js';
import { WatchStream } from '#src/apiserver/cache/watch-stream.js';

type Pod = StampedObject & { readonly spec: { readonly nodeName: string } };
const nodeOf = (object: StampedObject): string => (object as Pod).spec.nodeName;
const onNode = (value: string): Interest => ({ path: 'spec.nodeName', value, of: nodeOf });
const pod = (name: string, nodeName: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: name },
  spec: { nodeName },
});

class World {
  readonly cache = new ResourceCache('/core/pods/', 0, false);
  readonly clock = new VirtualClock();
  revision = 0;

  put(name: string, node: string): void {
    const revision = ++this.revision;
    const key = `/core/pods/default/${name}`;
    const entry = { key, value: pod(name, node), revision, createRevision: revision };
    this.cache.apply({ type: 'put', key, revision, entry });
  }
  remove(name: string): void {
    const key = `/core/pods/default/${name}`;
    if (this.cache.get(key)) this.cache.apply({ type: 'delete', key, revision: ++this.revision });
  }
  watch(node: string, interest: Interest | undefined, since = this.revision) {
    const position = this.cache.positionAfter(since);
    if (position === undefined) throw new Error('too old');
    return new WatchStream({
      cache: this.cache,
      position,
      endBookmark: false,
      matches: (object) => nodeOf(object) === node,
      ...(interest ? { interest } : {}),
      shape: (object, resourceVersion) => ({ ...object, resourceVersion }),
      bookmarks: false,
      bookmark: () => ({}),
      revision: () => this.revision,
      clock: this.clock,
      timeoutMs: 3_600_000,
    });
  }
}

/** Reads what there is, without waiting for more. */
async function drain(stream: WatchStream): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  const iterator = stream[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), settle()]);
    if (!next || next.done) break;
    events.push(...next.value);
  }
  stream.close();
  return events;
}
async function settle(): Promise<undefined> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  return undefined;
}

const action = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('n1', 'n2')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constant(undefined)) },
);

describe('a watch with an interest', () => {
  it('API-3 delivers what it would deliver without: those that enter, change, leave and go', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 30 }),
        fc.array(action, { maxLength: 30 }),
        fc.array(action, { maxLength: 30 }),
        async (before, missed, after) => {
          const world = new World();
          const run = (actions: readonly (readonly [string, string | undefined])[]): void => {
            for (const [name, node] of actions) {
              if (node === undefined) world.remove(name);
              else world.put(name, node);
            }
          };
          run(before);
          const since = world.revision;
          run(missed);
          const streams = [world.watch('n1', onNode('n1'), since), world.watch('n1', undefined, since)];
          run(after);
          const [selective, whole] = await Promise.all(streams.map(drain));
          expect(selective).to.deep.equal(whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('outlives compaction while nothing concerns it, and ends with 410 when what it was told is gone', async () => {
    const world = new World();
    const idle = world.watch('n9', onNode('n9'));
    const late = world.watch('n1', onNode('n1'));
    world.put('a', 'n1');
    world.put('b', 'n1');
    world.cache.compact(world.revision);
    world.put('c', 'n9');
    world.put('d', 'n1');
    expect((await drain(idle)).map(({ type }) => type)).to.deep.equal(['ADDED']);
    const [end, ...more] = await drain(late);
    expect(more).to.deep.equal([]);
    expect(end).to.have.property('type', 'ERROR');
    expect(end?.object).to.have.property('code', 410);
  });

  it('keeps nothing of those who have left', () => {
    const dispatch = new Dispatch();
    const heard: string[] = [];
    const leave = [1, 2].map((i) => dispatch.add(() => heard.push(`n1-${i}`), onNode('n1')));
    const event = (node: string) => ({
      type: 'ADDED' as const,
      revision: 1,
      key: 'k',
      object: { ...pod('a', node), metadata: { name: 'a', uid: 'a', resourceVersion: '1' } },
      previous: undefined,
    });
    dispatch.tell(event('n1'), 0);
    leave[0]?.();
    dispatch.tell(event('n1'), 1);
    leave[1]?.();
    dispatch.tell(event('n1'), 2);
    dispatch.tell(event('n2'), 3);
    expect(heard).to.deep.equal(['n1-1', 'n1-2', 'n1-2']);
  });
});
