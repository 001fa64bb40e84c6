/** What the Manager needs of the engine. Stands in until the engine is there; then it imports that instead. */
import type { Clock, Random } from '../api/index.js';
import type { Client } from '../client/index.js';
import type { InformerSet } from '../informers/index.js';
import type { Logger } from '../telemetry/index.js';
import type { ControllerDefinition } from './definition.js';

export interface RunnerDeps<T> {
  readonly definition: ControllerDefinition<T>;
  readonly client: Client;
  readonly informers: Pick<InformerSet, 'acquire'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface Runner {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export class ControllerRunner<T> implements Runner {
  constructor(readonly deps: RunnerDeps<T>) {}
  start(): Promise<void> {
    return Promise.reject(new Error(`no engine to run ${this.deps.definition.name}`));
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
}
