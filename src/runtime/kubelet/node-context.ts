/** What the workers of one node share. */
import type { Clock, Random, Shared } from '../../api/index.js';
import type { Pod } from '../../api/kinds/core/v1.js';
import type { Client } from '../../client/index.js';
import type { EventType } from '../../core/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { ContainerRuntime } from '../container-runtime.js';
import type { VolumeManager, VolumeSources } from '../volume-manager.js';

export interface NodeContext {
  readonly nodeName: string;
  readonly hostIP: string;
  readonly runtime: ContainerRuntime;
  /** Absent where containers have no files. */
  readonly volumes: VolumeManager | undefined;
  readonly sources: VolumeSources;
  /** Below it each pod has a directory for its logs. */
  readonly logRoot: string;
  readonly allocatable: { readonly cpuMillis: number; readonly memoryBytes: number };
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Records an Event about a pod, or about a container of it. */
  event(
    pod: Shared<Pod>,
    container: string | undefined,
    type: EventType,
    reason: string,
    message: string,
  ): void;
}
