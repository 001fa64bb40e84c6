/** Pods and what a runtime says of them, for tables about pure functions. */
import type { Pod, PodSpec, PodStatus } from 'gyre/kinds/core/v1';
import type { ContainerStatus, PodSandboxStatus } from 'gyre/runtime';
import { regularContainers, allContainers, specHash } from '#src/runtime/kubelet/containers.js';
import { type ObservedPod, observe } from '#src/runtime/kubelet/observed-pod.js';

/** 2026-01-01T00:00:00Z */
export const t0 = Date.UTC(2026, 0, 1);

export function pod(spec: PodSpec | undefined = undefined, status: PodStatus = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'ns',
      name: 'p',
      uid: 'u1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'web' },
      annotations: { note: 'say "hi"' },
    },
    spec: spec ?? { containers: [{ name: 'web', image: 'i' }] },
    status,
  };
}

export interface Run {
  readonly attempt?: number;
  readonly state?: ContainerStatus['state'];
  readonly exitCode?: number;
  readonly sandbox?: string;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly image?: string;
}

/** By container name, each with its runs. Sandbox `s0` unless a run says otherwise. */
export function observed(
  of: Pod,
  runs: Readonly<Record<string, Run | readonly Run[]>>,
  sandboxes: readonly PodSandboxStatus[] = [sandbox()],
): ObservedPod {
  const containers = Object.entries(runs).flatMap(([name, given]) =>
    (Array.isArray(given) ? (given as readonly Run[]) : [given as Run]).map((run) => status(of, name, run)),
  );
  return observe(sandboxes, containers);
}

export function sandbox(state: PodSandboxStatus['state'] = 'ready', attempt = 0): PodSandboxStatus {
  return {
    id: `s${attempt}`,
    state,
    createdAt: t0,
    ips: ['10.64.0.2'],
    config: {
      pod: { namespace: 'ns', name: 'p', uid: 'u1' },
      attempt,
      hostname: 'p',
      labels: {},
      annotations: {},
      hostNetwork: false,
      logDirectory: '/logs',
    },
  };
}

function status(of: Pod, name: string, run: Run): ContainerStatus {
  const { attempt = 0, state = run.exitCode === undefined ? 'running' : 'exited', sandbox = 's0' } = run;
  const spec = allContainers(of).find((container) => container.name === name) ?? regularContainers(of)[0];
  if (!spec) throw new Error('a pod without containers');
  const image = run.image ?? spec.image ?? '';
  return {
    id: `${name}-${attempt}`,
    sandboxId: sandbox,
    state,
    createdAt: t0,
    ...(state === 'created' ? {} : { startedAt: run.startedAt ?? t0 }),
    ...(state === 'exited' ? { finishedAt: run.finishedAt ?? t0 + 1000, exitCode: run.exitCode ?? 0 } : {}),
    imageRef: image,
    config: {
      name,
      attempt,
      image,
      env: [],
      mounts: [],
      stdin: false,
      tty: false,
      ports: [],
      resources: {},
      securityContext: {},
      labels: {},
      annotations: {},
      specHash: specHash({ ...spec, image }),
      logPath: `${name}/${attempt}.log`,
    },
  };
}
