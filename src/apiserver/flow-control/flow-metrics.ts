/** How requests are shared out, with the names of kube-apiserver. */
import type { CounterSeries, Registry } from '../../telemetry/index.js';
import type { PriorityLevel, Rejection } from './priority-level.js';

/** What is counted of the requests of one schema. */
export interface FlowCounters {
  readonly dispatched: CounterSeries;
  readonly rejected: (why: Rejection) => void;
}

export class FlowMetrics {
  readonly #dispatched;
  readonly #rejected;
  readonly #executing;
  readonly #waiting;
  readonly #limit;
  readonly #levels = new Map<string, { readonly queues: PriorityLevel; readonly limit: number }>();

  constructor(registry: Registry) {
    const flow = ['priority_level', 'flow_schema'] as const;
    this.#dispatched = registry.counter({
      name: 'apiserver_flowcontrol_dispatched_requests_total',
      help: 'Requests that were given a place.',
      labels: flow,
    });
    this.#rejected = registry.counter({
      name: 'apiserver_flowcontrol_rejected_requests_total',
      help: 'Requests that were turned away, by why.',
      labels: [...flow, 'reason'],
    });
    const level = ['priority_level'] as const;
    this.#executing = registry.gauge({
      name: 'apiserver_flowcontrol_current_executing_requests',
      help: 'Requests that have a place.',
      labels: level,
    });
    this.#waiting = registry.gauge({
      name: 'apiserver_flowcontrol_current_inqueue_requests',
      help: 'Requests that wait for a place.',
      labels: level,
    });
    this.#limit = registry.gauge({
      name: 'apiserver_flowcontrol_nominal_limit_seats',
      help: 'Places of a level.',
      labels: level,
    });
    registry.onCollect(() => {
      for (const [name, { queues, limit }] of this.#levels) {
        this.#executing.of({ priority_level: name }).set(queues.busy);
        this.#waiting.of({ priority_level: name }).set(queues.waiting);
        this.#limit.of({ priority_level: name }).set(limit);
      }
    });
  }

  of(schema: string, level: string): FlowCounters {
    const labels = { priority_level: level, flow_schema: schema };
    return {
      dispatched: this.#dispatched.of(labels),
      rejected: (reason) => this.#rejected.of({ ...labels, reason }).inc(),
    };
  }

  /** Shows the level from now on. */
  follow(level: string, queues: PriorityLevel, limit: number): void {
    this.#levels.set(level, { queues, limit });
  }

  forget(level: string): void {
    this.#levels.delete(level);
    for (const gauge of [this.#executing, this.#waiting, this.#limit])
      gauge.remove({ priority_level: level });
  }
}
