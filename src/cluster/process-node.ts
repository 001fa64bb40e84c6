/** The node of this machine: its containers are processes. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Clock, Random } from '../api/index.js';
import { HostVolumeManager, type ImageMapping, type NodeConfig, ProcessRuntime } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';

/** The name of the node. */
export const processNodeName = 'local';

export interface ProcessNodeOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly images: Readonly<Record<string, ImageMapping>>;
}

export interface ProcessNode {
  readonly config: NodeConfig;
  readonly runtime: ProcessRuntime;
}

const pods = 110;

export function processNode({ dataDir, clock, random, log, images }: ProcessNodeOptions): ProcessNode {
  const root = join(dataDir, 'nodes', processNodeName);
  const runtime = new ProcessRuntime({ root: join(root, 'runtime'), clock, random, log, images });
  const machineID = textOf('/etc/machine-id') || processNodeName;
  const config: NodeConfig = {
    name: processNodeName,
    runtime,
    volumes: new HostVolumeManager({ root: join(root, 'pods'), clock, random, log }),
    logRoot: join(root, 'logs'),
    capacity: { cpuMillis: availableParallelism() * 1000, memoryBytes: totalmem(), pods },
    labels: { 'gyre.dev/runtime': 'process' },
    taints: [],
    address: '127.0.0.1',
    system: {
      os: platform(),
      architecture: arch() === 'x64' ? 'amd64' : arch(),
      kernelVersion: release(),
      osImage: osImage(),
      machineID,
      bootID: textOf('/proc/sys/kernel/random/boot_id') || machineID,
    },
  };
  return { config, runtime };
}

function osImage(): string {
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(textOf('/etc/os-release'))?.[1] ?? platform();
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
