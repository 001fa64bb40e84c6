/** How pods are printed: `kubectl get pods` tells a pod's whole story in three cells. */
import type { JsonObject } from '../../api/index.js';
import type { ContainerStatus, Pod, PodTemplate } from '../../api/kinds/core/v1.js';
import { type Given, given } from '../builtin/given.js';
import {
  ageColumn,
  nameColumn,
  ofObject,
  type Printer,
  printer,
  type RowCondition,
  viewPrinter,
} from './column.js';
import { containerColumns, labelsText, none, orNone } from './format.js';
import { since } from './human-duration.js';

interface PodView {
  readonly object: Given<Pod>;
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
}

/** Restarts and the last time one happened. */
class Restarts {
  count = 0;
  #last = '';

  add({ restartCount = 0, lastState }: Given<ContainerStatus>): void {
    this.count += restartCount;
    const finished = lastState?.terminated?.finishedAt ?? '';
    if (finished !== '' && (this.#last === '' || Date.parse(finished) > Date.parse(this.#last)))
      this.#last = finished;
  }

  text(now: number): string {
    return this.count === 0 || this.#last === ''
      ? `${this.count}`
      : `${this.count} (${since(this.#last, now)} ago)`;
  }
}

function exitText({ signal = 0, exitCode = 0 }: { signal?: number; exitCode?: number }): string {
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function conditionIs(pod: Given<Pod>, type: string): boolean {
  return pod.status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
}

function viewOf(pod: Given<Pod>, now: number): PodView {
  const { spec = {}, status = {} } = pod;
  const sidecars = new Set(
    (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name ?? ''),
  );
  let text = status.reason || (status.phase ?? '');
  if (status.conditions?.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated')) {
    text = 'SchedulingGated';
  }
  let readyContainers = 0;
  const initRestarts = new Restarts();
  const runRestarts = new Restarts();
  let initializing = false;
  for (const [i, container] of (status.initContainerStatuses ?? []).entries()) {
    const isSidecar = sidecars.has(container.name ?? '');
    initRestarts.add(container);
    if (isSidecar) runRestarts.add(container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated && (terminated.exitCode ?? 0) === 0) continue;
    if (isSidecar && container.started === true) {
      if (container.ready) readyContainers++;
      continue;
    }
    if (terminated) text = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') text = `Init:${waiting.reason}`;
    else text = `Init:${i}/${spec.initContainers?.length ?? 0}`;
    initializing = true;
    break;
  }

  let restarts = initRestarts;
  if (!initializing || conditionIs(pod, 'Initialized')) {
    restarts = runRestarts;
    let running = false;
    for (const container of [...(status.containerStatuses ?? [])].reverse()) {
      restarts.add(container);
      const { terminated, waiting, running: runs } = container.state ?? {};
      if (waiting?.reason) text = waiting.reason;
      else if (terminated) text = terminated.reason || exitText(terminated);
      else if (container.ready && runs) {
        running = true;
        readyContainers++;
      }
    }
    if (text === 'Completed' && running) text = conditionIs(pod, 'Ready') ? 'Running' : 'NotReady';
  }

  if (pod.metadata?.deletionTimestamp) {
    const terminal = status.phase === 'Succeeded' || status.phase === 'Failed';
    if (status.reason === 'NodeLost') text = 'Unknown';
    else if (!terminal) text = 'Terminating';
  }
  const containers = (spec.containers?.length ?? 0) + sidecars.size;
  return {
    object: pod,
    ready: `${readyContainers}/${containers}`,
    status: text,
    restarts: restarts.text(now),
  };
}

/** A finished pod's row says so, so that clients may leave it out. */
function podConditions(object: JsonObject): readonly RowCondition[] {
  const phase = given<Pod>(object).status?.phase;
  if (phase === 'Succeeded') {
    return [
      {
        type: 'Completed',
        status: 'True',
        reason: 'Succeeded',
        message: 'The pod has completed successfully.',
      },
    ];
  }
  if (phase === 'Failed') {
    return [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }];
  }
  return [];
}

function readinessGates({ spec, status }: Given<Pod>): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  const open = gates.filter(
    ({ conditionType }) => status?.conditions?.find((c) => c.type === conditionType)?.status === 'True',
  );
  return `${open.length}/${gates.length}`;
}

const podPrinter: Printer = {
  ...viewPrinter<Pod, PodView>(viewOf, [
    ofObject(nameColumn),
    {
      name: 'Ready',
      description: 'Ready containers of all containers that keep running.',
      cell: (v) => v.ready,
    },
    { name: 'Status', description: 'What the pod is doing, or why it is not.', cell: (v) => v.status },
    {
      name: 'Restarts',
      description: 'How often containers restarted, and when last.',
      cell: (v) => v.restarts,
    },
    ofObject(ageColumn),
    {
      name: 'IP',
      wide: true,
      cell: ({ object }) => orNone(object.status?.podIPs?.[0]?.ip ?? object.status?.podIP),
    },
    { name: 'Node', wide: true, cell: ({ object }) => orNone(object.spec?.nodeName) },
    { name: 'Nominated Node', wide: true, cell: ({ object }) => orNone(object.status?.nominatedNodeName) },
    { name: 'Readiness Gates', wide: true, cell: ({ object }) => readinessGates(object) },
  ]),
  conditions: podConditions,
};

export const podPrinters: Readonly<Record<string, Printer>> = {
  '/Pod': podPrinter,
  '/PodTemplate': printer<PodTemplate>([
    nameColumn,
    ...containerColumns<Given<PodTemplate>>((o) => o.template?.spec?.containers).map((c) => ({
      ...c,
      wide: false,
    })),
    { name: 'Pod Labels', cell: (o) => labelsText(o.template?.metadata?.labels) },
  ]),
};
