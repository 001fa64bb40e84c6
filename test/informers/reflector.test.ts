/** The reflector's transition table, without I/O: what each input does in each state. */
import { expect } from 'chai';
import {
  type ApiError,
  badRequest,
  expired,
  NoSuchKind,
  type Status,
  tooManyRequests,
  unauthorized,
} from 'gyre/api';
import {
  initialState,
  type Progress,
  type ReflectorInput,
  type ReflectorOutput,
  type ReflectorState,
  reflectorTiming,
  step,
} from '#src/informers/reflector.js';

interface Item {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}
const item = (name: string, resourceVersion: string): Item => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion },
});
const endBookmark = (resourceVersion: string) => ({
  type: 'BOOKMARK' as const,
  object: {
    metadata: { name: '', uid: '', resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } },
  },
});
const bookmark = (resourceVersion: string) => ({
  type: 'BOOKMARK' as const,
  object: { metadata: { name: '', uid: '', resourceVersion } },
});
const errorEvent = (error: ApiError) => ({ type: 'ERROR' as const, object: error.status as Status });
const gone = expired('too old resource version: 5 (17)');
const broken = new Error('socket hang up');

const progress: Progress = { failures: 0, paged: false, emptyCloses: 0, ready: false };
const states = {
  streaming: { ...progress, phase: 'Streaming' } as ReflectorState,
  listing: { ...progress, paged: true, phase: 'Listing' } as ReflectorState,
  opening: { ...progress, ready: true, phase: 'Opening', resourceVersion: '7' } as ReflectorState,
  watching: {
    ...progress,
    ready: true,
    phase: 'Watching',
    resourceVersion: '7',
    since: 0,
    events: 0,
  } as ReflectorState,
  waiting: { ...progress, phase: 'Waiting', resourceVersion: undefined } as ReflectorState,
  waitingToResume: { ...progress, ready: true, phase: 'Waiting', resourceVersion: '7' } as ReflectorState,
};

/** Outputs as short text: `Wait 400..800`, `OpenWatch 7`, `Apply a`. */
function told(outputs: readonly ReflectorOutput<Item>[]): string[] {
  return outputs.map((o) => {
    switch (o.type) {
      case 'InitApply':
      case 'Apply':
      case 'Delete':
        return `${o.type} ${o.object.metadata.name}`;
      case 'InitDone':
      case 'Progress':
        return `${o.type} ${o.resourceVersion}`;
      case 'OpenWatch':
        return `OpenWatch ${o.resourceVersion ?? 'initial'}`;
      case 'FetchPage':
        return `FetchPage ${o.continue || 'first'}`;
      case 'State':
        return `State ${o.state.phase}`;
      case 'Wait':
        return `Wait ${o.ms}`;
      default:
        return o.type;
    }
  });
}

interface Row {
  readonly title: string;
  readonly from: ReflectorState;
  readonly input: ReflectorInput<Item>;
  readonly at?: number;
  readonly to: string;
  readonly outputs: readonly string[];
  readonly and?: (state: ReflectorState) => void;
}

// `random` is 0.5 throughout: a back-off of n is 0.75 n.
const rows: readonly Row[] = [
  {
    title: 'start asks for a streaming list',
    from: initialState,
    input: { type: 'start' },
    to: 'Streaming',
    outputs: ['State connecting', 'Init', 'OpenWatch initial'],
  },
  {
    title: 'initial events fill the new view, the end bookmark completes it',
    from: states.streaming,
    input: {
      type: 'events',
      events: [
        { type: 'ADDED', object: item('a', '3') },
        { type: 'ADDED', object: item('b', '4') },
        endBookmark('5'),
      ],
    },
    to: 'Watching',
    outputs: ['InitApply a', 'InitApply b', 'InitDone 5', 'State connected'],
    and: (state) => expect(state).to.include({ resourceVersion: '5', ready: true }),
  },
  {
    title: 'changes behind the end bookmark in one batch are changes already',
    from: states.streaming,
    input: { type: 'events', events: [endBookmark('5'), { type: 'MODIFIED', object: item('a', '6') }] },
    to: 'Watching',
    outputs: ['InitDone 5', 'State connected', 'Apply a'],
    and: (state) => expect(state).to.include({ resourceVersion: '6' }),
  },
  {
    title: 'a bookmark without the annotation does not complete the list',
    from: states.streaming,
    input: { type: 'events', events: [bookmark('5')] },
    to: 'Streaming',
    outputs: [],
  },
  {
    title: 'an object deleted while the list streams leaves the new view',
    from: states.streaming,
    input: { type: 'events', events: [{ type: 'DELETED', object: item('a', '4') }] },
    to: 'Streaming',
    outputs: ['Delete a'],
  },
  {
    title: 'a server that refuses streaming lists gets paged ones from then on',
    from: states.streaming,
    input: { type: 'failed', error: badRequest('sendInitialEvents is forbidden') },
    to: 'Listing',
    outputs: ['State connecting', 'Init', 'FetchPage first'],
    and: (state) => expect(state.paged).to.equal(true),
  },
  {
    title: 'a server that stays silent instead gets paged lists too',
    from: states.streaming,
    input: { type: 'idle' },
    to: 'Listing',
    outputs: ['CloseWatch', 'State connecting', 'Init', 'FetchPage first'],
  },
  {
    title: 'a streaming list that breaks half way starts again after a back-off',
    from: states.streaming,
    input: { type: 'failed', error: broken },
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state).to.deep.include({ resourceVersion: undefined, failures: 1 }),
  },
  {
    title: 'a streaming list that ends half way starts again after a back-off',
    from: states.streaming,
    input: { type: 'ended' },
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
  },
  {
    title: 'a page is followed by the next',
    from: states.listing,
    input: { type: 'page', page: { items: [item('a', '3')], resourceVersion: '5', continue: 'more' } },
    to: 'Listing',
    outputs: ['InitApply a', 'FetchPage more'],
  },
  {
    title: 'the last page completes the view and opens a watch from its version',
    from: states.listing,
    input: { type: 'page', page: { items: [item('b', '4')], resourceVersion: '5', continue: '' } },
    to: 'Opening',
    outputs: ['InitApply b', 'InitDone 5', 'OpenWatch 5'],
  },
  {
    title: '410 on a continue token lists anew',
    from: states.listing,
    input: { type: 'failed', error: gone },
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state).to.deep.include({ resourceVersion: undefined }),
  },
  {
    title: 'a watch that opened is connected',
    from: states.opening,
    input: { type: 'opened' },
    at: 50,
    to: 'Watching',
    outputs: ['State connected'],
    and: (state) => expect(state).to.include({ since: 50, events: 0 }),
  },
  {
    title: '410 when opening a watch lists anew',
    from: states.opening,
    input: { type: 'failed', error: gone },
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state).to.deep.include({ resourceVersion: undefined }),
  },
  {
    title: 'a server that does not answer is tried again at the same version',
    from: states.opening,
    input: { type: 'idle' },
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state).to.include({ resourceVersion: '7' }),
  },
  {
    title: 'events advance the version',
    from: states.watching,
    input: {
      type: 'events',
      events: [
        { type: 'ADDED', object: item('a', '8') },
        { type: 'MODIFIED', object: item('a', '9') },
        { type: 'DELETED', object: item('a', '10') },
      ],
    },
    to: 'Watching',
    outputs: ['Apply a', 'Apply a', 'Delete a'],
    and: (state) => expect(state).to.include({ resourceVersion: '10', events: 3 }),
  },
  {
    title: 'so do bookmarks',
    from: states.watching,
    input: { type: 'events', events: [bookmark('42')] },
    to: 'Watching',
    outputs: ['Progress 42'],
    and: (state) => expect(state).to.include({ resourceVersion: '42' }),
  },
  {
    title: 'an ERROR event with 410 lists anew; what came before it counts',
    from: states.watching,
    input: { type: 'events', events: [{ type: 'ADDED', object: item('a', '8') }, errorEvent(gone)] },
    to: 'Waiting',
    outputs: ['Apply a', 'CloseWatch', 'State stale', 'Wait 600'],
    and: (state) => expect(state).to.deep.include({ resourceVersion: undefined }),
  },
  {
    title: 'an ERROR event with another Status resumes at the version reached',
    from: states.watching,
    input: {
      type: 'events',
      events: [{ type: 'ADDED', object: item('a', '8') }, errorEvent(tooManyRequests('slow down', 3))],
    },
    to: 'Waiting',
    outputs: ['Apply a', 'CloseWatch', 'State stale', 'Wait 3000'],
    and: (state) => expect(state).to.include({ resourceVersion: '8' }),
  },
  {
    title: 'a connection that breaks resumes at the version reached',
    from: states.watching,
    input: { type: 'failed', error: broken },
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state).to.include({ resourceVersion: '7' }),
  },
  {
    title: 'a connection that says nothing for too long is given up',
    from: states.watching,
    input: { type: 'idle' },
    at: reflectorTiming.idleMs,
    to: 'Waiting',
    outputs: ['CloseWatch', 'State stale', 'Wait 600'],
  },
  {
    title: 'an orderly end after a while reopens at once',
    from: states.watching,
    input: { type: 'ended' },
    at: reflectorTiming.minWatchMs,
    to: 'Opening',
    outputs: ['OpenWatch 7'],
  },
  {
    title: 'an end that comes too readily waits first',
    from: states.watching,
    input: { type: 'ended' },
    at: 10,
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state).to.include({ resourceVersion: '7', emptyCloses: 1 }),
  },
  {
    title: 'the third empty close lists anew: the server may be hiding a 410',
    from: { ...states.watching, emptyCloses: 2 },
    input: { type: 'ended' },
    at: 10,
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state).to.deep.include({ resourceVersion: undefined, emptyCloses: 0 }),
  },
  {
    title: 'a stable watch makes the next failure the first again',
    from: { ...states.watching, failures: 9 },
    input: { type: 'failed', error: broken },
    at: reflectorTiming.stableMs,
    to: 'Waiting',
    outputs: ['State stale', 'Wait 600'],
    and: (state) => expect(state.failures).to.equal(1),
  },
  {
    title: 'a short watch does not',
    from: { ...states.watching, failures: 2 },
    input: { type: 'failed', error: broken },
    at: reflectorTiming.stableMs - 1,
    to: 'Waiting',
    outputs: ['State stale', 'Wait 2400'],
    and: (state) => expect(state.failures).to.equal(3),
  },
  {
    title: '401 is a state of its own, retried slowly',
    from: states.streaming,
    input: { type: 'failed', error: unauthorized() },
    to: 'Waiting',
    outputs: ['State unauthorized', 'Wait 3750'],
  },
  {
    title: 'a kind that is not served is waited for',
    from: states.streaming,
    input: {
      type: 'failed',
      error: new NoSuchKind(
        { group: 'a.b', version: 'v1', kind: 'X' },
        { ...gone.status, reason: 'NotFound', code: 404 },
      ),
    },
    to: 'Waiting',
    outputs: ['State absent', 'Wait 1500'],
  },
  {
    title: 'when the wait is over, it lists',
    from: states.waiting,
    input: { type: 'timer' },
    to: 'Streaming',
    outputs: ['State connecting', 'Init', 'OpenWatch initial'],
  },
  {
    title: 'or resumes where it was',
    from: states.waitingToResume,
    input: { type: 'timer' },
    to: 'Opening',
    outputs: ['OpenWatch 7'],
  },
  {
    title: 'late answers of a request that was given up change nothing',
    from: states.waiting,
    input: { type: 'events', events: [{ type: 'ADDED', object: item('a', '8') }] },
    to: 'Waiting',
    outputs: [],
  },
  {
    title: 'stop is final',
    from: states.watching,
    input: { type: 'stop' },
    to: 'Stopped',
    outputs: ['CloseWatch', 'State stopped'],
  },
  {
    title: 'nothing starts a stopped one again',
    from: { ...progress, phase: 'Stopped' },
    input: { type: 'start' },
    to: 'Stopped',
    outputs: [],
  },
];

describe('reflector: the transition table', () => {
  for (const { title, from, input, at = 0, to, outputs, and } of rows) {
    it(`${from.phase} + ${input.type}: ${title}`, () => {
      const next = step<Item>(from, input, { at, random: 0.5 });
      expect(next.state.phase).to.equal(to);
      expect(told(next.outputs)).to.deep.equal(outputs);
      and?.(next.state);
    });
  }

  it('grows the back-off to its ceiling and jitters it by half', () => {
    let state: ReflectorState = states.streaming;
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const failed = step<Item>(state, { type: 'failed', error: broken }, { at: 0, random: 0.999999 });
      waits.push(...failed.outputs.flatMap((o) => (o.type === 'Wait' ? [Math.round(o.ms)] : [])));
      state = step<Item>(failed.state, { type: 'timer' }, { at: 0, random: 0 }).state;
    }
    expect(waits).to.deep.equal([800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000, 30000]);
    const low = step<Item>(states.streaming, { type: 'failed', error: broken }, { at: 0, random: 0 });
    expect(told(low.outputs)).to.include('Wait 400');
  });

  it('asks for a watch of five to ten minutes, at random', () => {
    for (const [random, seconds] of [
      [0, 300],
      [0.999, 599],
    ] as const) {
      const { outputs } = step<Item>(initialState, { type: 'start' }, { at: 0, random });
      expect(outputs.find((o) => o.type === 'OpenWatch')).to.include({ timeoutSeconds: seconds });
    }
  });
});
