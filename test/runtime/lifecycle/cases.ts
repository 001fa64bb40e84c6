/**
 * The lifecycle table: what a pod of each kind goes through, as a client of the API sees it (KL-2 to KL-12).
 *
 * Each row has a real command for runtimes that run something, and a script for the one that simulates
 * (`gyre.dev/simulate`). Times are short enough to wait for; what needs minutes is for simulated time only.
 */
import { expect } from 'chai';
import type { Client } from 'gyre';
import { ConfigMap, Pod } from 'gyre/kinds';
import type { PodSpec } from 'gyre/kinds/core/v1';
import type { Behaviour } from 'gyre/runtime';
import type { Expected, PodView } from './view.js';

export interface World {
  readonly client: Client;
  readonly namespace: string;
  /** Of the pod. */
  readonly name: string;
  readonly missingImage: string;
}

export type Step =
  | {
      /** Seen in the history of the pod, at or after what the step before has found. */
      readonly expect: Expected<PodView> | 'gone';
      /** Default 8,000. */
      readonly withinMs?: number;
      readonly notBeforeMs?: number;
    }
  | { readonly do: (world: World) => Promise<unknown> }
  | { readonly pass: number };

type Spec = PodSpec;

export interface LifecycleCase {
  readonly title: string;
  /** Without `nodeName`. */
  readonly spec: Spec | ((facts: Pick<World, 'missingImage'>) => Spec);
  /** By container. */
  readonly simulate?: Readonly<Record<string, Behaviour>>;
  /** The one runtime it can be shown on. */
  readonly only?: 'simulated' | 'process';
  readonly before?: (world: World) => Promise<unknown>;
  readonly steps: readonly Step[];
  /** Events in their order of first appearance; others may be between them. `<type> <reason> <message>` */
  readonly events?: readonly (string | RegExp)[];
  readonly never?: readonly Expected<PodView>[];
  /** About all that was ever seen. */
  readonly check?: (history: readonly (PodView & { readonly pod: Pod })[]) => void;
}

const image = 'busybox:1.36';
const sh = (script: string): readonly string[] => ['sh', '-c', script];
/** Goes on until it is asked to end. */
const forever = sh('trap "exit 143" TERM; while :; do sleep 0.1; done');
const stubborn = sh('trap "" TERM; while :; do sleep 0.1; done');
const running = { state: 'running' } as const;
const completed = { state: 'terminated Completed 0' } as const;
const remove = (gracePeriodSeconds?: number): Step => ({
  do: ({ client, namespace, name }) =>
    client.delete(Pod, { namespace, name }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
});
/** Where a real container can remember across its runs. */
const state = {
  volumes: [{ name: 'state', emptyDir: {} }],
  volumeMounts: [{ name: 'state', mountPath: '/state' }],
} as const;
/** Ends with the first code on its first run, with the second on its second, … */
const byRun = (...codes: readonly number[]): readonly string[] =>
  sh(
    `n=$(cat /state/n 2>/dev/null || echo 0); echo $((n+1)) > /state/n; set -- ${codes.join(' ')}; shift $n; exit $1`,
  );

const endings: readonly LifecycleCase[] = [
  {
    title: 'KL-3 KL-10 what runs on is Pending, then Running and Ready',
    spec: { containers: [{ name: 'web', image, command: forever }] },
    steps: [
      {
        expect: {
          phase: 'Pending',
          containers: { web: { state: 'waiting ContainerCreating', ready: false, started: false } },
          conditions: {
            Initialized: 'True',
            Ready: 'False ContainersNotReady: containers with unready status: [web]',
            ContainersReady: 'False ContainersNotReady: containers with unready status: [web]',
            PodScheduled: 'True',
          },
        },
      },
      {
        expect: {
          phase: 'Running',
          containers: { web: { ...running, ready: true, started: true, restarts: 0, last: '' } },
          conditions: {
            PodReadyToStartContainers: 'True',
            Initialized: 'True',
            Ready: 'True',
            ContainersReady: 'True',
          },
        },
      },
    ],
    events: [
      `Normal Pulled Container image "${image}" already present on machine`,
      'Normal Created Created container: web',
      'Normal Started Started container web',
    ],
    check: (history) => {
      const last = history.at(-1)?.pod.status;
      expect(last?.podIP).to.match(/^\d+\.\d+\.\d+\.\d+$/);
      expect(last?.podIPs).to.deep.equal([{ ip: last?.podIP }]);
      expect(last?.hostIPs).to.deep.equal([{ ip: last?.hostIP }]);
      expect(last?.qosClass).to.equal('BestEffort');
      expect(last?.startTime).to.be.a('string');
    },
  },
  {
    title: 'KL-3 Never and exit code 0: Succeeded',
    spec: { restartPolicy: 'Never', containers: [{ name: 'job', image, command: sh('sleep 0.3') }] },
    simulate: { job: { runMs: 300 } },
    steps: [
      { expect: { phase: 'Running', containers: { job: { ...running, ready: true } } } },
      {
        expect: {
          phase: 'Succeeded',
          containers: { job: { ...completed, ready: false, started: false, restarts: 0 } },
          conditions: {
            PodReadyToStartContainers: 'False',
            Initialized: 'True PodCompleted',
            Ready: 'False PodCompleted',
            ContainersReady: 'False PodCompleted',
          },
        },
      },
      { pass: 1_000 },
    ],
    never: [{ phase: 'Failed' }, { containers: { job: { restarts: 1 } } }],
  },
  {
    title: 'KL-3 Never and exit code 3: Failed, and no second run',
    spec: { restartPolicy: 'Never', containers: [{ name: 'job', image, command: sh('exit 3') }] },
    simulate: { job: { runMs: 0, exitCode: 3 } },
    steps: [
      {
        expect: {
          phase: 'Failed',
          containers: { job: { state: 'terminated Error 3', ready: false, restarts: 0 } },
          conditions: { Ready: 'False PodFailed', ContainersReady: 'False PodFailed' },
        },
      },
      { pass: 1_500 },
    ],
    never: [{ phase: 'Succeeded' }, { containers: { job: { restarts: 1 } } }],
  },
  {
    title: 'KL-3 Never with one success and one failure: Running until both have ended, then Failed',
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'quick', image, command: sh('exit 1') },
        { name: 'slow', image, command: sh('sleep 1') },
      ],
    },
    simulate: { quick: { runMs: 0, exitCode: 1 }, slow: { runMs: 1000 } },
    steps: [
      {
        expect: {
          phase: 'Running',
          containers: { quick: { state: 'terminated Error 1' }, slow: running },
          conditions: { Ready: 'False ContainersNotReady: containers with unready status: [quick]' },
        },
      },
      { expect: { phase: 'Failed', containers: { slow: completed } } },
    ],
  },
  {
    title: 'KL-6 OnFailure: a failure runs again, a success ends the pod',
    spec: {
      restartPolicy: 'OnFailure',
      volumes: state.volumes,
      containers: [{ name: 'job', image, command: byRun(1, 0), volumeMounts: state.volumeMounts }],
    },
    simulate: { job: { runMs: 0, exitCode: [1, 0] } },
    steps: [
      {
        expect: {
          phase: 'Succeeded',
          containers: { job: { ...completed, restarts: 1, last: 'terminated Error 1' } },
        },
      },
      { pass: 1_500 },
    ],
    events: ['Normal Started Started container job'],
    never: [{ phase: 'Failed' }, { containers: { job: { restarts: 2 } } }],
  },
  {
    title: 'KL-6 Always: what has completed runs again, and is backed off when it keeps on ending',
    spec: { restartPolicy: 'Always', containers: [{ name: 'web', image, command: sh('exit 0') }] },
    simulate: { web: { runMs: 0 } },
    steps: [
      {
        expect: {
          phase: 'Running',
          containers: {
            web: {
              state: 'waiting CrashLoopBackOff',
              message: /^back-off 10s restarting failed container=web pod=case-\d+_default\([0-9a-f-]{36}\)$/,
              last: 'terminated Completed 0',
              restarts: 1,
              ready: false,
            },
          },
        },
      },
    ],
    events: [
      'Normal Started Started container web',
      /^Warning BackOff Back-off restarting failed container web in pod case-\d+_default\([0-9a-f-]{36}\)$/,
    ],
    never: [{ phase: 'Succeeded' }, { phase: 'Failed' }],
  },
  {
    title: 'KL-6 a crash loop waits 10 s, 20 s, 40 s, … and 300 s at most, each from its last end',
    only: 'simulated',
    spec: { restartPolicy: 'Always', containers: [{ name: 'web', image, command: sh('exit 1') }] },
    simulate: { web: { runMs: 2000, exitCode: 1 } },
    steps: [
      { expect: { containers: { web: { message: /^back-off 10s / } } }, withinMs: 60_000 },
      { expect: { containers: { web: { message: /^back-off 20s / } } }, withinMs: 60_000 },
      { expect: { containers: { web: { message: /^back-off 40s / } } }, withinMs: 60_000 },
      { expect: { containers: { web: { message: /^back-off 1m20s / } } }, withinMs: 200_000 },
      { expect: { containers: { web: { message: /^back-off 2m40s / } } }, withinMs: 200_000 },
      { expect: { containers: { web: { message: /^back-off 5m0s / } } }, withinMs: 400_000 },
      { expect: { containers: { web: { ...running, restarts: 8 } } }, withinMs: 700_000 },
    ],
    check: (history) => {
      const waits = new Map<number, number>();
      for (const { pod } of history) {
        const [status] = pod.status?.containerStatuses ?? [];
        const started = status?.state?.running?.startedAt;
        const ended = status?.lastState?.terminated?.finishedAt;
        if (started === undefined || ended === undefined) continue;
        waits.set(status?.restartCount ?? 0, (Date.parse(started) - Date.parse(ended)) / 1000);
      }
      expect([...waits.values()]).to.deep.equal([0, 10, 20, 40, 80, 160, 300, 300]);
    },
  },
  {
    title: 'KL-6 after ten minutes without an end the back-off starts over',
    only: 'simulated',
    spec: { restartPolicy: 'Always', containers: [{ name: 'web', image, command: sh('exit 1') }] },
    simulate: { web: { runMs: [1000, 1000, 1000, 601_000, 1000], exitCode: 1 } },
    steps: [
      { expect: { containers: { web: { message: /^back-off 20s /, restarts: 2 } } }, withinMs: 60_000 },
      {
        expect: { containers: { web: { ...running, restarts: 4 } } },
        withinMs: 700_000,
        notBeforeMs: 600_000,
      },
      { expect: { containers: { web: { message: /^back-off 10s /, restarts: 4 } } }, withinMs: 5_000 },
    ],
    check: (history) => {
      const long = history.find(({ containers }) => containers.web?.restarts === 4)?.pod;
      const [status] = long?.status?.containerStatuses ?? [];
      const { startedAt = '' } = status?.state?.running ?? {};
      expect(startedAt).to.equal(status?.lastState?.terminated?.finishedAt);
    },
  },
  {
    title: 'KL-3 a command that does not exist has failed to start',
    spec: { restartPolicy: 'Never', containers: [{ name: 'job', image, command: ['/no/such/program'] }] },
    simulate: { job: { startError: 'exec: "/no/such/program": no such file or directory' } },
    steps: [
      {
        expect: {
          phase: 'Failed',
          containers: {
            job: { state: /^terminated StartError 12[78]$/, message: /no such file or directory/ },
          },
        },
      },
    ],
    events: [/^Warning Failed Error: .*no such file or directory/],
  },
  {
    title: 'KL-11 a container tells why it ended in its termination message file',
    only: 'process',
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'job', image, command: sh('echo out of luck > /dev/termination-log; exit 2') }],
    },
    steps: [
      {
        expect: {
          phase: 'Failed',
          containers: { job: { state: 'terminated Error 2', message: /^out of luck/ } },
        },
      },
    ],
  },
  {
    title: 'KL-11 with FallbackToLogsOnError the end of its log tells why',
    only: 'process',
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'job',
          image,
          // Of two streams nobody can say which came first.
          command: sh('(echo first; echo last words) >&2; exit 2'),
          terminationMessagePolicy: 'FallbackToLogsOnError',
        },
      ],
    },
    steps: [{ expect: { phase: 'Failed', containers: { job: { message: /^first\nlast words\n?$/ } } } }],
  },
  {
    title: 'KL-12 a pod that is active for too long has failed with DeadlineExceeded',
    spec: { activeDeadlineSeconds: 2, containers: [{ name: 'web', image, command: forever }] },
    steps: [
      { expect: { phase: 'Running', containers: { web: running } } },
      {
        expect: {
          phase: 'Failed',
          reason: 'DeadlineExceeded',
          message: 'Pod was active on the node longer than the specified deadline',
          containers: { web: { state: 'terminated Error 143' } },
        },
      },
    ],
    events: [
      'Normal DeadlineExceeded Pod was active on the node longer than the specified deadline',
      'Normal Killing Stopping container web',
    ],
  },
];

const inits: readonly LifecycleCase[] = [
  {
    title: 'KL-4 init containers run one after the other, then the others together',
    spec: {
      restartPolicy: 'Never',
      initContainers: [
        { name: 'one', image, command: sh('sleep 0.5') },
        { name: 'two', image, command: sh('sleep 0.5') },
      ],
      containers: [
        { name: 'a', image, command: sh('sleep 0.5') },
        { name: 'b', image, command: sh('sleep 0.5') },
      ],
    },
    simulate: { '*': { runMs: 500 } },
    steps: [
      {
        expect: {
          phase: 'Pending',
          containers: {
            one: { ...running, ready: false },
            two: { state: 'waiting PodInitializing' },
            a: { state: 'waiting PodInitializing' },
          },
          conditions: {
            Initialized: 'False ContainersNotInitialized: containers with incomplete status: [one two]',
          },
        },
      },
      {
        expect: {
          phase: 'Pending',
          containers: {
            one: { ...completed, ready: true },
            two: running,
            b: { state: 'waiting PodInitializing' },
          },
          conditions: {
            Initialized: 'False ContainersNotInitialized: containers with incomplete status: [two]',
          },
        },
      },
      {
        expect: {
          phase: 'Running',
          containers: { one: completed, two: { ...completed, ready: true }, a: running, b: running },
          conditions: { Initialized: 'True' },
        },
      },
      { expect: { phase: 'Succeeded', containers: { a: completed, b: completed } } },
    ],
    events: [
      'Normal Started Started container one',
      'Normal Started Started container two',
      'Normal Started Started container a',
    ],
    never: [
      { containers: { one: running, two: running } },
      { containers: { two: running, a: running } },
      { containers: { one: { restarts: 1 } } },
    ],
  },
  {
    title: 'KL-3 Never: when an init container fails the pod has failed, and nothing else runs',
    spec: {
      restartPolicy: 'Never',
      initContainers: [{ name: 'setup', image, command: sh('exit 7') }],
      containers: [{ name: 'web', image, command: forever }],
    },
    simulate: { setup: { runMs: 0, exitCode: 7 } },
    steps: [
      {
        expect: {
          phase: 'Failed',
          containers: {
            setup: { state: 'terminated Error 7', ready: false, restarts: 0 },
            web: { state: 'waiting PodInitializing' },
          },
          conditions: { Initialized: /^False ContainersNotInitialized/ },
        },
      },
      { pass: 1_000 },
    ],
    never: [
      { containers: { web: running } },
      { phase: 'Running' },
      { containers: { setup: { restarts: 1 } } },
    ],
  },
  {
    title: 'KL-4 KL-6 Always: an init container that fails is tried again with back-off, and then goes on',
    spec: {
      volumes: state.volumes,
      initContainers: [{ name: 'setup', image, command: byRun(1, 1, 0), volumeMounts: state.volumeMounts }],
      containers: [{ name: 'web', image, command: forever }],
    },
    simulate: { setup: { runMs: 0, exitCode: [1, 1, 0] } },
    steps: [
      {
        expect: {
          phase: 'Pending',
          containers: {
            setup: { state: 'waiting CrashLoopBackOff', last: 'terminated Error 1', restarts: 1 },
            web: { state: 'waiting PodInitializing' },
          },
        },
      },
      {
        expect: { phase: 'Running', containers: { setup: { ...completed, restarts: 2 }, web: running } },
        withinMs: 20_000,
        notBeforeMs: 9_000,
      },
    ],
  },
  {
    title: 'KL-4 a sidecar starts before the others, ends after them and keeps no pod alive',
    spec: {
      restartPolicy: 'Never',
      initContainers: [{ name: 'proxy', image, restartPolicy: 'Always', command: forever }],
      containers: [{ name: 'job', image, command: sh('sleep 1') }],
    },
    simulate: { job: { runMs: 1000 }, proxy: { stopMs: 300 } },
    steps: [
      {
        expect: {
          phase: 'Running',
          containers: { proxy: { ...running, ready: true, started: true }, job: running },
          conditions: { Initialized: 'True', Ready: 'True' },
        },
      },
      { expect: { phase: 'Running', containers: { proxy: running, job: completed } } },
      {
        expect: {
          phase: 'Succeeded',
          containers: { proxy: { state: 'terminated Error 143' }, job: completed },
        },
      },
    ],
    events: [
      'Normal Started Started container proxy',
      'Normal Started Started container job',
      'Normal Killing Stopping container proxy',
    ],
    never: [{ phase: 'Succeeded', containers: { proxy: running } }, { phase: 'Failed' }],
  },
  {
    title: 'KL-4 a sidecar that ends is started again, whatever the policy of the pod',
    spec: {
      restartPolicy: 'Never',
      volumes: state.volumes,
      initContainers: [
        {
          name: 'proxy',
          image,
          restartPolicy: 'Always',
          command: sh('[ -e /state/n ] && while :; do sleep 0.1; done; sleep 0.7; touch /state/n; exit 1'),
          volumeMounts: state.volumeMounts,
        },
      ],
      containers: [{ name: 'job', image, command: sh('sleep 3') }],
      terminationGracePeriodSeconds: 1,
    },
    simulate: { proxy: { runMs: [700, null], exitCode: 1 }, job: { runMs: 3000 } },
    steps: [
      { expect: { phase: 'Running', containers: { job: { ...running, restarts: 0 }, proxy: running } } },
      {
        expect: {
          phase: 'Running',
          containers: {
            proxy: { ...running, restarts: 1, last: 'terminated Error 1' },
            job: { ...running, restarts: 0 },
          },
          conditions: { Initialized: 'True' },
        },
      },
      { expect: { phase: 'Succeeded' } },
    ],
    never: [{ phase: 'Failed' }],
  },
  {
    title: 'KL-4 the next container waits until a sidecar has started by its startup probe',
    spec: {
      initContainers: [
        {
          name: 'proxy',
          image,
          restartPolicy: 'Always',
          command: sh('sleep 2; touch /tmp/up-$HOSTNAME; trap "exit 143" TERM; while :; do sleep 0.1; done'),
          startupProbe: {
            exec: { command: sh('test -e /tmp/up-$HOSTNAME') },
            periodSeconds: 1,
            failureThreshold: 20,
          },
        },
      ],
      containers: [{ name: 'web', image, command: forever }],
    },
    simulate: { proxy: { probeFailsForMs: 2000 } },
    steps: [
      {
        expect: {
          phase: 'Pending',
          containers: {
            proxy: { ...running, started: false, ready: false },
            web: { state: 'waiting PodInitializing' },
          },
          conditions: { Initialized: /^False ContainersNotInitialized/ },
        },
      },
      {
        expect: { phase: 'Running', containers: { proxy: { started: true, ready: true }, web: running } },
        notBeforeMs: 1_500,
      },
    ],
    never: [{ containers: { proxy: { started: false }, web: running } }],
  },
];

const fileProbe = { exec: { command: sh('test -e /state/ok') }, periodSeconds: 1 } as const;

const probes: readonly LifecycleCase[] = [
  {
    title: 'KL-5 KL-9 a liveness probe that fails three times restarts its container',
    spec: {
      terminationGracePeriodSeconds: 5,
      volumes: state.volumes,
      containers: [
        {
          name: 'web',
          image,
          command: sh(
            'touch /state/ok; trap "exit 143" TERM; ( sleep 1.5; rm -f /state/ok ) & while :; do sleep 0.1; done',
          ),
          volumeMounts: state.volumeMounts,
          livenessProbe: fileProbe,
        },
      ],
    },
    simulate: { web: { probeFailsAfterMs: 1500 } },
    steps: [
      { expect: { phase: 'Running', containers: { web: { ...running, ready: true, restarts: 0 } } } },
      {
        expect: {
          phase: 'Running',
          containers: { web: { ...running, restarts: 1, last: 'terminated Error 143' } },
        },
        withinMs: 12_000,
        notBeforeMs: 3_000,
      },
    ],
    events: [
      /^Warning Unhealthy Liveness probe failed: /,
      'Normal Killing Container web failed liveness probe, will be restarted',
    ],
  },
  {
    title: 'KL-9 liveness waits for a slow startup, and so does readiness',
    spec: {
      volumes: state.volumes,
      containers: [
        {
          name: 'web',
          image,
          command: sh('sleep 3; touch /state/ok; trap "exit 143" TERM; while :; do sleep 0.1; done'),
          volumeMounts: state.volumeMounts,
          startupProbe: { ...fileProbe, failureThreshold: 30 },
          livenessProbe: { ...fileProbe, failureThreshold: 1 },
          readinessProbe: fileProbe,
        },
      ],
    },
    simulate: { web: { probeFailsForMs: 3000 } },
    steps: [
      {
        expect: {
          phase: 'Running',
          containers: { web: { ...running, started: false, ready: false } },
          conditions: { Ready: 'False ContainersNotReady: containers with unready status: [web]' },
        },
      },
      {
        expect: { containers: { web: { started: true, ready: true } }, conditions: { Ready: 'True' } },
        notBeforeMs: 2_500,
      },
    ],
    events: [/^Warning Unhealthy Startup probe failed: /],
    never: [
      { containers: { web: { restarts: 1 } } },
      { containers: { web: { started: false, ready: true } } },
    ],
  },
  {
    title: 'KL-9 what does not start in time is restarted',
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'web',
          image,
          command: forever,
          startupProbe: { exec: { command: sh('exit 1') }, periodSeconds: 1, failureThreshold: 2 },
        },
      ],
    },
    simulate: { web: { execExitCode: 1 } },
    steps: [
      { expect: { containers: { web: { ...running, started: false, ready: false } } } },
      {
        expect: {
          phase: 'Running',
          containers: { web: { ...running, restarts: 1, last: 'terminated Error 143' } },
        },
      },
    ],
    events: [
      /^Warning Unhealthy Startup probe failed: /,
      'Normal Killing Container web failed startup probe, will be restarted',
    ],
    never: [{ containers: { web: { started: true } } }],
  },
  {
    title: 'KL-9 a readiness probe that fails makes a pod unready and restarts nothing',
    spec: {
      volumes: state.volumes,
      containers: [
        {
          name: 'web',
          image,
          command: sh(
            'touch /state/ok; trap "exit 143" TERM; ( sleep 1.5; rm -f /state/ok ) & while :; do sleep 0.1; done',
          ),
          volumeMounts: state.volumeMounts,
          readinessProbe: { ...fileProbe, failureThreshold: 2 },
        },
      ],
    },
    simulate: { web: { probeFailsAfterMs: 1500 } },
    steps: [
      {
        expect: {
          phase: 'Running',
          containers: { web: { ...running, started: true, ready: false } },
          conditions: { Ready: 'False ContainersNotReady: containers with unready status: [web]' },
        },
      },
      {
        expect: {
          containers: { web: { ready: true } },
          conditions: { Ready: 'True', ContainersReady: 'True' },
        },
      },
      {
        expect: {
          phase: 'Running',
          containers: { web: { ...running, started: true, ready: false } },
          conditions: { Ready: 'False ContainersNotReady: containers with unready status: [web]' },
        },
        notBeforeMs: 1_000,
      },
      { pass: 2_000 },
    ],
    events: [/^Warning Unhealthy Readiness probe failed: /],
    never: [{ containers: { web: { restarts: 1 } } }],
  },
  {
    title: 'KL-10 a readiness gate keeps a pod unready until its condition is True',
    spec: {
      readinessGates: [{ conditionType: 'example.com/ready' }],
      containers: [{ name: 'web', image, command: forever }],
    },
    steps: [
      {
        expect: {
          containers: { web: { ready: true } },
          conditions: {
            ContainersReady: 'True',
            Ready:
              'False ReadinessGatesNotReady: corresponding condition of pod readiness gate "example.com/ready" does not exist.',
          },
        },
      },
      { pass: 200 },
      {
        do: ({ client, namespace, name }) =>
          client.patchRaw(
            Pod,
            { namespace, name },
            {
              type: 'strategic',
              patch: { status: { conditions: [{ type: 'example.com/ready', status: 'True' }] } },
            },
            { subresource: 'status' },
          ),
      },
      { expect: { conditions: { Ready: 'True', 'example.com/ready': 'True' } } },
    ],
  },
];

const hooks: readonly LifecycleCase[] = [
  {
    title: 'KL-7 KL-8 deletion lets a container end by itself, then the pod goes',
    spec: {
      containers: [
        { name: 'web', image, command: sh('trap "sleep 1; exit 0" TERM; while :; do sleep 0.1; done') },
      ],
    },
    simulate: { web: { stopMs: 1000 } },
    steps: [
      { expect: { phase: 'Running', containers: { web: running } } },
      { pass: 300 },
      remove(),
      { expect: { deleting: true, phase: 'Running', containers: { web: running } } },
      {
        expect: { deleting: true, containers: { web: { state: /^terminated \w+ (0|143)$/ } } },
        notBeforeMs: 500,
      },
      { expect: 'gone', withinMs: 4_000 },
    ],
    events: ['Normal Killing Stopping container web'],
  },
  {
    title: 'KL-7 what does not heed SIGTERM is killed when its grace is over',
    spec: { terminationGracePeriodSeconds: 2, containers: [{ name: 'web', image, command: stubborn }] },
    simulate: { web: { stopMs: 60_000 } },
    steps: [
      { expect: { phase: 'Running', containers: { web: running } } },
      { pass: 300 },
      remove(),
      {
        expect: { containers: { web: { state: 'terminated Error 137' } } },
        notBeforeMs: 1_500,
        withinMs: 4_000,
      },
      { expect: 'gone' },
    ],
  },
  {
    title: 'API-7 a second deletion with less grace hurries the first one',
    spec: { terminationGracePeriodSeconds: 30, containers: [{ name: 'web', image, command: stubborn }] },
    simulate: { web: { stopMs: 60_000 } },
    steps: [
      { expect: { phase: 'Running', containers: { web: running } } },
      { pass: 300 },
      remove(),
      { expect: { deleting: true } },
      { pass: 500 },
      remove(1),
      { expect: 'gone', withinMs: 4_000 },
    ],
  },
  {
    title: 'KL-7 preStop runs first, and its time is part of the grace',
    spec: {
      terminationGracePeriodSeconds: 4,
      containers: [
        {
          name: 'web',
          image,
          command: stubborn,
          lifecycle: { preStop: { exec: { command: sh('sleep 1.5') } } },
        },
      ],
    },
    simulate: { web: { stopMs: 60_000, execMs: 1500 } },
    steps: [
      { expect: { phase: 'Running', containers: { web: running } } },
      { pass: 300 },
      remove(),
      { expect: { deleting: true, containers: { web: running } } },
      { expect: 'gone', notBeforeMs: 3_500, withinMs: 6_000 },
    ],
    events: ['Normal Killing Stopping container web'],
  },
  {
    title: 'KL-7 after a preStop that used up the grace 2 s are left, then it is killed',
    spec: {
      terminationGracePeriodSeconds: 2,
      containers: [
        { name: 'web', image, command: stubborn, lifecycle: { preStop: { sleep: { seconds: 2 } } } },
      ],
    },
    simulate: { web: { stopMs: 60_000 } },
    steps: [
      { expect: { phase: 'Running', containers: { web: running } } },
      { pass: 300 },
      remove(),
      { expect: 'gone', notBeforeMs: 3_500, withinMs: 6_000 },
    ],
  },
  {
    title: 'KL-8 a preStop that fails is told, and the container ends all the same',
    spec: {
      containers: [
        { name: 'web', image, command: forever, lifecycle: { preStop: { exec: { command: sh('exit 4') } } } },
      ],
    },
    simulate: { web: { execExitCode: 4 } },
    steps: [{ expect: { containers: { web: running } } }, { pass: 300 }, remove(), { expect: 'gone' }],
    events: [/^Warning FailedPreStopHook .*exited with 4/],
  },
  {
    title: 'KL-8 a postStart that fails ends the container, and it is started again',
    spec: {
      terminationGracePeriodSeconds: 2,
      containers: [
        {
          name: 'web',
          image,
          command: forever,
          lifecycle: { postStart: { exec: { command: sh('exit 5') } } },
        },
      ],
    },
    simulate: { web: { execExitCode: 5 } },
    steps: [
      {
        expect: {
          containers: {
            web: { state: 'waiting CrashLoopBackOff', last: 'terminated Error 143', restarts: 1 },
          },
        },
      },
    ],
    events: [/^Warning FailedPostStartHook .*exited with 5/, 'Normal Killing FailedPostStartHook'],
    never: [{ containers: { web: { ready: true } } }],
  },
  {
    title: 'KL-8 until postStart is done a container has not started',
    spec: {
      containers: [
        {
          name: 'web',
          image,
          command: forever,
          lifecycle: { postStart: { exec: { command: sh('sleep 1') } } },
        },
      ],
    },
    simulate: { web: { execMs: 1000 } },
    steps: [
      { expect: { containers: { web: { ready: false, started: false } } } },
      { expect: { containers: { web: { ...running, ready: true, started: true } } }, notBeforeMs: 500 },
    ],
  },
  {
    title: 'KL-4 KL-7 on deletion sidecars end last, all within one grace',
    spec: {
      terminationGracePeriodSeconds: 4,
      initContainers: [{ name: 'proxy', image, restartPolicy: 'Always', command: stubborn }],
      containers: [
        { name: 'a', image, command: sh('trap "sleep 1; exit 0" TERM; while :; do sleep 0.1; done') },
        { name: 'b', image, command: sh('trap "sleep 1; exit 0" TERM; while :; do sleep 0.1; done') },
      ],
    },
    simulate: { '*': { stopMs: 1000 }, proxy: { stopMs: 60_000 } },
    steps: [
      { expect: { phase: 'Running', containers: { proxy: running, a: running, b: running } } },
      { pass: 300 },
      remove(),
      { expect: { deleting: true } },
      { expect: 'gone', notBeforeMs: 3_000, withinMs: 5_500 },
    ],
    events: [/^Normal Killing Stopping container [ab]$/, 'Normal Killing Stopping container proxy'],
    never: [{ containers: { a: running, proxy: { state: /^terminated/ } } }],
  },
  {
    title: 'KL-8 a pod that waits in a crash loop goes at once when it is deleted',
    spec: { containers: [{ name: 'web', image, command: sh('exit 1') }] },
    simulate: { web: { runMs: 0, exitCode: 1 } },
    steps: [
      { expect: { containers: { web: { state: 'waiting CrashLoopBackOff' } } } },
      remove(),
      { expect: 'gone', withinMs: 1_500 },
    ],
    never: [{ containers: { web: { restarts: 2 } } }],
  },
];

const troubles: readonly LifecycleCase[] = [
  {
    title: 'KL-11 an image that cannot be had: ErrImagePull, then ImagePullBackOff',
    spec: ({ missingImage }) => ({ containers: [{ name: 'web', image: missingImage }] }),
    steps: [
      {
        expect: {
          phase: 'Pending',
          containers: { web: { state: 'waiting ErrImagePull', message: /none:1/ } },
        },
      },
      {
        expect: {
          phase: 'Pending',
          containers: {
            web: {
              state: 'waiting ImagePullBackOff',
              message: /^Back-off pulling image ".*none:1"/,
              restarts: 0,
            },
          },
        },
      },
    ],
    events: [
      /^Normal Pulling Pulling image ".*none:1"$/,
      /^Warning Failed Failed to pull image ".*none:1": /,
      'Warning Failed Error: ErrImagePull',
      /^Normal BackOff Back-off pulling image ".*none:1"$/,
      'Warning Failed Error: ImagePullBackOff',
    ],
  },
  {
    title: 'KL-11 an image that must not be pulled: ErrImageNeverPull',
    spec: ({ missingImage }) => ({
      containers: [{ name: 'web', image: missingImage, imagePullPolicy: 'Never' }],
    }),
    steps: [
      {
        expect: {
          phase: 'Pending',
          containers: {
            web: { state: 'waiting ErrImageNeverPull', message: /is not present with pull policy of Never$/ },
          },
        },
      },
    ],
    events: [/^Warning ErrImageNeverPull Container image ".*" is not present with pull policy of Never$/],
    never: [{ containers: { web: { state: 'waiting ErrImagePull' } } }],
  },
  {
    title: 'KL-14 a key that is missing: CreateContainerConfigError, until it is there',
    spec: {
      containers: [
        {
          name: 'web',
          image,
          command: forever,
          env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'lifecycle', key: 'colour' } } }],
        },
      ],
    },
    steps: [
      {
        expect: {
          phase: 'Pending',
          containers: {
            web: { state: 'waiting CreateContainerConfigError', message: 'configmap "lifecycle" not found' },
          },
        },
      },
      {
        do: ({ client, namespace }) =>
          client.create(ConfigMap, { metadata: { namespace, name: 'lifecycle' }, data: { colour: 'red' } }),
      },
      { expect: { phase: 'Running', containers: { web: { ...running, restarts: 0 } } } },
    ],
    events: ['Warning Failed Error: configmap "lifecycle" not found', 'Normal Started Started container web'],
  },
  {
    title: 'KL-5 a container whose image is changed is restarted with it',
    spec: {
      terminationGracePeriodSeconds: 3,
      containers: [
        { name: 'web', image, command: forever },
        { name: 'other', image, command: forever },
      ],
    },
    steps: [
      { expect: { containers: { web: running, other: running } } },
      { pass: 300 },
      {
        do: ({ client, namespace, name }) =>
          client.patchRaw(
            Pod,
            { namespace, name },
            { type: 'strategic', patch: { spec: { containers: [{ name: 'web', image: 'busybox:1.37' }] } } },
          ),
      },
      { expect: { containers: { web: { ...running, restarts: 1 }, other: { ...running, restarts: 0 } } } },
    ],
    events: [
      'Normal Killing Container web definition changed, will be restarted',
      'Normal Pulled Container image "busybox:1.37" already present on machine',
    ],
    never: [{ containers: { other: { restarts: 1 } } }],
  },
];

export const lifecycleCases: readonly LifecycleCase[] = [
  ...endings,
  ...inits,
  ...probes,
  ...hooks,
  ...troubles,
];
