/** From a container's record to the script that runs it: environment, working directory, user, mounts. */
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Mount } from '../container-runtime.js';
import { searchPath } from './isolation.js';
import { privateRoot } from './private-root.js';
import type { ContainerRecord, SandboxRecord } from './records.js';
import { runScript } from './shell-scripts.js';

export interface ContainerSpec {
  readonly record: ContainerRecord;
  readonly sandbox: SandboxRecord;
  /** The container's own directory. */
  readonly own: string;
}

/** Stands for the container's root where it has none of its own. */
const podRoot = ({ own }: ContainerSpec) => join(own, 'root');

/** Exactly this: nothing else of our own environment. */
export function environmentOf(spec: ContainerSpec): ReadonlyMap<string, string> {
  const { record, sandbox } = spec;
  return new Map([
    ['PATH', searchPath()],
    ['HOME', process.getuid?.() === 0 ? '/root' : '/'],
    ['HOSTNAME', sandbox.config.hostname],
    ['POD_IP', sandbox.ips[0] ?? ''],
    ...(record.isolation === 'none' ? [['GYRE_POD_ROOT', podRoot(spec)] as const] : []),
    ...Object.entries(record.image.env ?? {}),
    ...record.config.env.map(({ name, value }) => [name, value] as const),
  ]);
}

/** Words before the command that change the user. Only root may become somebody else; others stay who they are. */
export function asUser({ record: { config, isolation } }: ContainerSpec): readonly string[] {
  const { runAsUser, runAsGroup } = config.securityContext;
  if (process.getuid?.() !== 0 || isolation === 'userns') return [];
  if (runAsUser === undefined && runAsGroup === undefined) return [];
  return ['setpriv', `--reuid=${runAsUser ?? 0}`, `--regid=${runAsGroup ?? 0}`, '--clear-groups'];
}

/** Without a root of its own: below the pod root when it is there, or is not on the host; else the host's. */
export function workingDirOf(spec: ContainerSpec): string {
  const { config, image, isolation } = spec.record;
  const wanted = config.workingDir || image.workingDir || '/';
  if (isolation !== 'none' || wanted === '/') return wanted;
  const own = join(podRoot(spec), wanted);
  return existsSync(own) || !isDirectory(wanted) ? own : wanted;
}

/** Prepares what the container needs on the node, and writes its script. @throws Error */
export function scriptFor(spec: ContainerSpec): string {
  const { record, sandbox, own } = spec;
  const { config, image, isolation } = record;
  const { terminationMessage } = config;
  const mounts = [
    ...image.mounts,
    ...config.mounts,
    ...(terminationMessage ? [{ name: 'termination-log', readOnly: false, ...terminationMessage }] : []),
  ];
  if (terminationMessage && !existsSync(terminationMessage.hostPath)) {
    mkdirSync(dirname(terminationMessage.hostPath), { recursive: true });
    writeFileSync(terminationMessage.hostPath, '');
    // Whoever the container runs as writes it.
    chmodSync(terminationMessage.hostPath, 0o666);
  }
  for (const mount of mounts) {
    if (!existsSync(mount.hostPath)) throw new Error(`mount ${mount.name}: ${mount.hostPath} does not exist`);
  }
  let setUp: string | undefined;
  if (isolation === 'none') linkMounts(podRoot(spec), mounts);
  else {
    setUp = privateRoot({
      mode: isolation,
      scratch: join(own, 'mnt'),
      mounts,
      readOnly: config.securityContext.readOnlyRootFilesystem ?? false,
    });
  }
  return runScript({
    argv: record.argv,
    env: environmentOf(spec),
    workingDir: workingDirOf(spec),
    hostname: sandbox.config.hostname,
    asUser: asUser(spec),
    ...(setUp === undefined ? {} : { setUp }),
  });
}

/** Mount paths as symbolic links in the pod root. */
function linkMounts(root: string, mounts: readonly Mount[]): void {
  mkdirSync(root, { recursive: true, mode: 0o755 });
  for (const { hostPath, containerPath } of mounts) {
    // Below another volume there is no place for a link: it would be written into that volume.
    if (mounts.some((other) => containerPath.startsWith(`${other.containerPath.replace(/\/$/, '')}/`)))
      continue;
    const link = join(root, containerPath);
    mkdirSync(dirname(link), { recursive: true, mode: 0o755 });
    rmSync(link, { force: true });
    symlinkSync(hostPath, link);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
