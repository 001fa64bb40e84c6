/** What to do next about a pod, as a table. */
import { expect } from 'chai';
import type { Pod, PodSpec, PodStatus } from 'gyre/kinds/core/v1';
import type { PodSandboxStatus } from 'gyre/runtime';
import { type PodAction, podActions, type PodSituation } from '#src/runtime/kubelet/pod-actions.js';
import { observed, pod, type Run, sandbox, t0 } from './pods.js';

interface Row {
  readonly title: string;
  readonly spec?: PodSpec;
  readonly status?: PodStatus;
  readonly runs?: Readonly<Record<string, Run | readonly Run[]>>;
  /** Default: one that is ready. */
  readonly sandboxes?: readonly PodSandboxStatus[];
  readonly situation?: Partial<PodSituation>;
  readonly expect: readonly string[];
  /** Milliseconds from `t0`. */
  readonly wakeAt?: number;
}

const web = { name: 'web', image: 'i' };
const other = { name: 'other', image: 'i' };
const setup = { name: 'setup', image: 'i' };
const proxy = { name: 'proxy', image: 'i', restartPolicy: 'Always' } as const;
const never = (spec: PodSpec): PodSpec => ({ ...spec, restartPolicy: 'Never' });
const onFailure = (spec: PodSpec): PodSpec => ({ ...spec, restartPolicy: 'OnFailure' });

const rows: readonly Row[] = [
  { title: 'KL-2 a pod without a sandbox gets one', sandboxes: [], expect: ['createSandbox 0'] },
  {
    title: 'KL-2 in a sandbox all regular containers start at once',
    spec: { containers: [web, other] },
    expect: ['start web 0', 'start other 0'],
  },
  { title: 'KL-2 what runs is left alone', runs: { web: {} }, expect: [] },
  {
    title: 'KL-2 what something is being done about is left alone',
    situation: { busy: new Set(['web']) },
    expect: [],
  },
  {
    title: 'KL-2 a lost sandbox goes first',
    runs: { web: { exitCode: 137 } },
    sandboxes: [sandbox('notReady')],
    expect: ['removeSandbox s0'],
  },
  {
    title: 'KL-2 with Never what was cut off with its sandbox does not run again',
    spec: never({ containers: [web] }),
    runs: { web: { exitCode: 137 } },
    sandboxes: [sandbox('notReady')],
    expect: ['finish'],
  },
  {
    title: 'KL-2 with OnFailure and all done, a lost sandbox is not replaced',
    spec: onFailure({ containers: [web] }),
    runs: { web: { exitCode: 0 } },
    sandboxes: [sandbox('notReady')],
    expect: ['finish'],
  },
  {
    title: 'KL-2 in a new sandbox init containers run again',
    spec: { initContainers: [setup], containers: [web] },
    runs: { setup: { exitCode: 0 }, web: { exitCode: 137 } },
    sandboxes: [sandbox('ready', 1), sandbox('notReady', 0)],
    expect: ['start setup 1'],
  },
  {
    title: 'KL-11 the restart count goes on when the runtime has forgotten a running container',
    status: {
      containerStatuses: [
        {
          ...web,
          imageID: '',
          ready: true,
          restartCount: 4,
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
        },
      ],
    },
    expect: ['start web 5'],
  },
  {
    title: 'KL-11 and when it was waiting to run again',
    status: {
      containerStatuses: [
        {
          ...web,
          imageID: '',
          ready: false,
          restartCount: 4,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 1 } },
        },
      ],
    },
    expect: ['start web 5'],
  },
  {
    title: 'KL-11 what has never run begins at 0',
    status: {
      containerStatuses: [
        {
          ...web,
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { waiting: { reason: 'ContainerCreating' } },
        },
      ],
    },
    expect: ['start web 0'],
  },
  {
    title: 'KL-6 Never: what completed before the runtime forgot does not run again',
    spec: never({ containers: [web, other] }),
    status: {
      containerStatuses: [
        { ...web, imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 0 } } },
      ],
    },
    runs: { other: {} },
    expect: [],
  },
  { title: 'KL-6 Always: what ended runs again', runs: { web: { exitCode: 0 } }, expect: ['start web 1'] },
  {
    title: 'KL-6 the next attempt follows the highest one',
    runs: {
      web: [
        { attempt: 2, exitCode: 1 },
        { attempt: 3, exitCode: 1 },
      ],
    },
    expect: ['start web 4'],
  },
  {
    title: 'KL-6 OnFailure: what failed runs again',
    spec: onFailure({ containers: [web] }),
    runs: { web: { exitCode: 1 } },
    expect: ['start web 1'],
  },
  {
    title: 'KL-6 OnFailure: what completed does not',
    spec: onFailure({ containers: [web, other] }),
    runs: { web: { exitCode: 0 }, other: {} },
    expect: [],
  },
  {
    title: 'KL-6 Never: what failed does not',
    spec: never({ containers: [web, other] }),
    runs: { web: { exitCode: 1 }, other: {} },
    expect: [],
  },
  {
    title: 'KL-6 while it is backed off nothing happens until then',
    runs: { web: { exitCode: 1 } },
    situation: { backoff: (_, since) => since + 10_000 },
    expect: [],
    wakeAt: 11_000,
  },
  {
    title: 'KL-6 the earliest of several back-offs counts',
    spec: { containers: [web, other] },
    runs: { web: { exitCode: 1, finishedAt: t0 + 5000 }, other: { exitCode: 1, finishedAt: t0 + 3000 } },
    situation: { backoff: (_, since) => since + 10_000 },
    expect: [],
    wakeAt: 13_000,
  },
  {
    title: 'KL-6 what could not be started is tried again in its time',
    situation: { retryAt: () => t0 + 7_000 },
    expect: [],
    wakeAt: 7_000,
  },
  {
    title: 'KL-6 and is, when the time has come',
    situation: { retryAt: () => t0 },
    expect: ['start web 0'],
  },
  {
    title: 'KL-2 a container that a former kubelet created and never started is started anew',
    runs: { web: { state: 'created' } },
    expect: ['start web 1'],
  },
  {
    title: 'KL-11 a container that the runtime lost sight of counts as killed',
    spec: onFailure({ containers: [web] }),
    runs: { web: { state: 'unknown' } },
    expect: ['start web 1'],
  },
  {
    title: 'KL-4 init containers come first, one at a time',
    spec: { initContainers: [setup, { ...setup, name: 'two' }], containers: [web] },
    expect: ['start setup 0'],
  },
  {
    title: 'KL-4 the next one when the one before has completed',
    spec: { initContainers: [setup, { ...setup, name: 'two' }], containers: [web] },
    runs: { setup: { exitCode: 0 } },
    expect: ['start two 0'],
  },
  {
    title: 'KL-4 nothing else while one runs',
    spec: { initContainers: [setup], containers: [web] },
    runs: { setup: {} },
    expect: [],
  },
  {
    title: 'KL-4 Always: an init container that fails runs again',
    spec: { initContainers: [setup], containers: [web] },
    runs: { setup: { exitCode: 1 } },
    expect: ['start setup 1'],
  },
  {
    title: 'KL-3 Never: an init container that fails ends the pod',
    spec: never({ initContainers: [setup], containers: [web] }),
    runs: { setup: { exitCode: 1 } },
    expect: ['finish'],
  },
  {
    title: 'KL-4 init containers are done for good once a regular one has run, even if forgotten',
    spec: { initContainers: [setup], containers: [web] },
    runs: { web: {} },
    expect: [],
  },
  {
    title: 'KL-4 what follows a sidecar waits until that has started',
    spec: { initContainers: [proxy, setup], containers: [web] },
    runs: { proxy: {} },
    situation: { started: () => false },
    expect: [],
  },
  {
    title: 'KL-4 and then goes on',
    spec: { initContainers: [proxy, setup], containers: [web] },
    runs: { proxy: {} },
    expect: ['start setup 0'],
  },
  {
    title: 'KL-4 a sidecar that ends is started again, with Never too',
    spec: never({ initContainers: [proxy], containers: [web] }),
    runs: { proxy: { exitCode: 0 }, web: {} },
    expect: ['start proxy 1'],
  },
  {
    title: 'KL-4 a sidecar that waits keeps nothing that has begun from going on',
    spec: { initContainers: [proxy], containers: [web] },
    runs: { proxy: { exitCode: 1 }, web: { exitCode: 1 } },
    situation: { backoff: ({ name }) => (name === 'proxy' ? t0 + 10_000 : undefined) },
    expect: ['start web 1'],
    wakeAt: 10_000,
  },
  {
    title: 'KL-4 a sidecar does not keep a pod alive',
    spec: never({ initContainers: [proxy], containers: [web] }),
    runs: { proxy: {}, web: { exitCode: 0 } },
    expect: ['finish'],
  },
  {
    title: 'KL-5 OnFailure: all completed ends the pod',
    spec: onFailure({ containers: [web, other] }),
    runs: { web: { exitCode: 0 }, other: { exitCode: 0 } },
    expect: ['finish'],
  },
  {
    title: 'KL-5 a failed liveness probe stops the container',
    runs: { web: {} },
    situation: { failed: () => 'liveness' },
    expect: ['stop web-0 liveness: Container web failed liveness probe, will be restarted'],
  },
  {
    title: 'KL-5 so does a startup probe',
    runs: { web: {} },
    situation: { failed: () => 'startup' },
    expect: ['stop web-0 startup: Container web failed startup probe, will be restarted'],
  },
  {
    title: 'KL-5 a changed image stops the container',
    runs: { web: { image: 'before' } },
    expect: ['stop web-0 changed: Container web definition changed, will be restarted'],
  },
];

function text(action: PodAction): string {
  switch (action.type) {
    case 'createSandbox':
      return `createSandbox ${action.attempt}`;
    case 'removeSandbox':
      return `removeSandbox ${action.id}`;
    case 'start':
      return `start ${action.container.name} ${action.attempt}`;
    case 'stop':
      return `stop ${action.id} ${action.cause}: ${action.message}`;
    case 'finish':
      return 'finish';
  }
}

describe('podActions', () => {
  for (const row of rows) {
    it(row.title, () => {
      const subject: Pod = pod(row.spec, row.status);
      const plan = podActions({
        pod: subject,
        observed: observed(subject, row.runs ?? {}, row.sandboxes),
        busy: new Set(),
        failed: () => undefined,
        started: () => true,
        backoff: () => undefined,
        retryAt: () => undefined,
        now: t0 + 2000,
        ...row.situation,
      });
      expect(plan.actions.map(text)).to.deep.equal(row.expect);
      expect(plan.wakeAt).to.equal(row.wakeAt === undefined ? undefined : t0 + row.wakeAt);
    });
  }
});
