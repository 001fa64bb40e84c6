/**
 * The probes of one pod: a worker per running container and kind of probe. What they found is asked for by the
 * kubelet; a change wakes it.
 */
import type { Cancel, Clock, Shared } from '../../api/index.js';
import type { Pod, Probe } from '../../api/kinds/core/v1.js';
import type { ContainerRuntime, ContainerStatus, ProbeAction, ProbeResult } from '../container-runtime.js';
import { allContainers, type PodContainer } from './containers.js';
import { currentRun, type ObservedPod } from './observed-pod.js';
import { afterProbe, initialProbeState, type ProbeState, type ProbeType } from './probe-state.js';

const types = ['startup', 'liveness', 'readiness'] as const;
const fieldOf = { startup: 'startupProbe', liveness: 'livenessProbe', readiness: 'readinessProbe' } as const;

export interface ProberDeps {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  /** Something was found out. */
  readonly wake: () => void;
  /** A probe failed: for an event. */
  readonly onFailure: (container: string, type: ProbeType, result: ProbeResult) => void;
}

interface Worker {
  state: ProbeState;
  cancel: Cancel;
  stopped: boolean;
}

interface Probed {
  readonly containerId: string;
  readonly workers: Map<ProbeType, Worker>;
}

export class Prober {
  readonly #deps: ProberDeps;
  readonly #containers = new Map<string, Probed>();

  constructor(deps: ProberDeps) {
    this.#deps = deps;
  }

  /** Probes what runs now, and nothing else. `postStarted` tells whose hook is done. */
  follow(pod: Shared<Pod>, observed: ObservedPod, postStarted: (name: string) => boolean): void {
    const alive = new Set<string>();
    for (const container of allContainers(pod)) {
      const run = currentRun(observed, container.name);
      if (run?.state !== 'running' || !postStarted(container.name)) continue;
      alive.add(container.name);
      const known = this.#containers.get(container.name);
      if (known?.containerId === run.id) continue;
      this.#stop(container.name);
      this.#start(pod, container, run, observed.sandbox?.ips[0] ?? '');
    }
    for (const name of this.#containers.keys()) if (!alive.has(name)) this.#stop(name);
  }

  stop(): void {
    for (const name of this.#containers.keys()) this.#stop(name);
  }

  /** Undefined without such a probe. */
  outcome(name: string, type: ProbeType): ProbeState['outcome'] | undefined {
    return this.#containers.get(name)?.workers.get(type)?.state.outcome;
  }

  /** A probe that restarts its container has failed for good. */
  failed(name: string): 'liveness' | 'startup' | undefined {
    if (this.outcome(name, 'startup') === 'failure') return 'startup';
    return this.outcome(name, 'liveness') === 'failure' ? 'liveness' : undefined;
  }

  #start(pod: Shared<Pod>, container: PodContainer, run: ContainerStatus, podIP: string): void {
    const probed: Probed = { containerId: run.id, workers: new Map() };
    this.#containers.set(container.name, probed);
    for (const type of types) {
      const probe = container[fieldOf[type]];
      if (!probe) continue;
      const worker: Worker = { state: initialProbeState(type), cancel: () => {}, stopped: false };
      probed.workers.set(type, worker);
      const action = probeAction(probe, container, podIP, pod);
      const { clock } = this.#deps;
      const dueAt = (run.startedAt ?? clock.now()) + (probe.initialDelaySeconds ?? 0) * 1000;
      const tick = async (): Promise<void> => {
        if (worker.stopped) return;
        const periodMs = (probe.periodSeconds ?? 10) * 1000;
        // The others wait for the startup probe; that one has no more to say once it has succeeded.
        const startup = probed.workers.get('startup')?.state.outcome;
        if (type === 'startup' && startup === 'success') return;
        if (type === 'startup' || startup === undefined || startup === 'success')
          await this.#probe(container.name, type, probe, action, run.id, worker);
        if (!worker.stopped) worker.cancel = clock.setTimer(periodMs, () => void tick());
      };
      worker.cancel = clock.setTimer(Math.max(0, dueAt - clock.now()), () => void tick());
    }
  }

  async #probe(
    name: string,
    type: ProbeType,
    probe: Shared<Probe>,
    action: ProbeAction | undefined,
    containerId: string,
    worker: Worker,
  ): Promise<void> {
    const { runtime, wake, onFailure } = this.#deps;
    const result: ProbeResult = action
      ? await runtime.probe(containerId, action, (probe.timeoutSeconds ?? 1) * 1000)
      : { outcome: 'failure', message: 'the port of the probe is not among those of the container' };
    if (worker.stopped) return;
    const before = worker.state;
    worker.state = afterProbe(before, result, {
      success: probe.successThreshold ?? 1,
      failure: probe.failureThreshold ?? 3,
    });
    if (result.outcome === 'failure') onFailure(name, type, result);
    if (worker.state.outcome !== before.outcome) {
      wake();
      // A container that is going to be restarted is left alone until it has been.
      if (worker.state.outcome === 'failure' && type !== 'readiness') this.#hold(worker);
      // Those that waited for it need not wait for their next turn.
      if (type === 'startup' && worker.state.outcome === 'success') this.#hold(worker);
    }
  }

  #hold(worker: Worker): void {
    worker.stopped = true;
    worker.cancel();
  }

  #stop(name: string): void {
    for (const worker of this.#containers.get(name)?.workers.values() ?? []) this.#hold(worker);
    this.#containers.delete(name);
  }
}

/** Undefined for a named port that the container does not have. */
export function probeAction(
  probe: Pick<Shared<Probe>, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'>,
  container: PodContainer,
  podIP: string,
  pod: Shared<Pod>,
): ProbeAction | undefined {
  if (probe.exec) return { type: 'exec', command: probe.exec.command ?? [] };
  const hostOf = (host: string | undefined): string =>
    host && host !== '' ? host : pod.spec?.hostNetwork ? '127.0.0.1' : podIP;
  if (probe.httpGet) {
    const { host, path = '/', port, scheme, httpHeaders = [] } = probe.httpGet;
    const number = portNumber(port, container);
    if (number === undefined) return undefined;
    return {
      type: 'httpGet',
      scheme: scheme === 'HTTPS' ? 'https' : 'http',
      host: hostOf(host),
      port: number,
      path: path.startsWith('/') ? path : `/${path}`,
      headers: httpHeaders.map((header) => [header.name, header.value] as const),
    };
  }
  if (probe.tcpSocket) {
    const number = portNumber(probe.tcpSocket.port, container);
    return number === undefined
      ? undefined
      : { type: 'tcpSocket', host: hostOf(probe.tcpSocket.host), port: number };
  }
  if (probe.grpc) {
    return {
      type: 'grpc',
      host: hostOf(undefined),
      port: probe.grpc.port,
      service: probe.grpc.service ?? '',
    };
  }
  return undefined;
}

function portNumber(port: string | number, container: PodContainer): number | undefined {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port);
  if (named) return named.containerPort;
  return /^\d+$/.test(port) ? Number(port) : undefined;
}
