/**
 * Starting one container: image, environment, mounts, creation, start. What goes wrong becomes the reason it
 * waits for, in the words of the kubelet (KL-11).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Shared } from '../../api/index.js';
import type { Pod } from '../../api/kinds/core/v1.js';
import { type Mount, type PodSandboxStatus, RuntimeError } from '../container-runtime.js';
import { type PreparedVolume, VolumeError } from '../volume-manager.js';
import { containerConfig } from './container-config.js';
import type { WaitingReason } from './container-status.js';
import type { PodContainer } from './containers.js';
import { ContainerConfigError, containerEnv, type Env, expand } from './env.js';
import type { NodeContext } from './node-context.js';

/** The container does not run, and this is what its status says. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  constructor(
    readonly waiting: WaitingReason,
    /** Failures to get an image have a back-off of their own. */
    readonly image: boolean,
  ) {
    super(waiting.message ?? waiting.reason);
  }
}

export interface StartRequest {
  readonly pod: Shared<Pod>;
  readonly container: PodContainer;
  readonly attempt: number;
  readonly sandbox: PodSandboxStatus;
  readonly volumes: ReadonlyMap<string, PreparedVolume>;
  /** Asked before each step that leaves something behind. */
  readonly abandoned: () => boolean;
}

/** Resolves with the id of the running container, undefined when it was abandoned. @throws StartFailure */
export async function startContainer(request: StartRequest, node: NodeContext): Promise<string | undefined> {
  const { pod, container, sandbox, attempt, abandoned } = request;
  const { runtime } = node;
  await ensureImage(pod, container, node);
  const env = await environment(request, node);
  const mounts = await mountsOf(request, env, node);
  if (abandoned()) return undefined;
  const message = terminationMessage(request);
  if (message && runtime.hasFilesystem) {
    mkdirSync(dirname(message.hostPath), { recursive: true });
    writeFileSync(message.hostPath, '', { mode: 0o666 });
  }
  const config = containerConfig(pod, container, {
    attempt,
    env,
    mounts,
    ...(message && runtime.hasFilesystem ? { terminationMessage: message } : {}),
  });
  let id: string;
  try {
    id = await runtime.createContainer(sandbox.id, config);
  } catch (error) {
    throw failed(error, 'CreateContainerError', pod, container, node);
  }
  node.event(pod, container.name, 'Normal', 'Created', `Created container: ${container.name}`);
  if (abandoned()) return undefined;
  try {
    await runtime.startContainer(id);
  } catch (error) {
    // The runtime has it as exited with StartError: its restart follows the usual way.
    const text = (error as Error).message;
    node.event(pod, container.name, 'Warning', 'Failed', `Error: ${text}`);
    return undefined;
  }
  node.event(pod, container.name, 'Normal', 'Started', `Started container ${container.name}`);
  return id;
}

async function ensureImage(pod: Shared<Pod>, container: PodContainer, node: NodeContext): Promise<void> {
  const { runtime, clock } = node;
  const { image = '', imagePullPolicy = 'IfNotPresent', name, command = [] } = container;
  const options = { hasCommand: command.length > 0 };
  const present = imagePullPolicy === 'Always' ? undefined : await runtime.imageStatus(image, options);
  if (present !== undefined) {
    node.event(pod, name, 'Normal', 'Pulled', `Container image "${image}" already present on machine`);
    return;
  }
  if (imagePullPolicy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    node.event(pod, name, 'Warning', 'ErrImageNeverPull', message);
    throw new StartFailure({ reason: 'ErrImageNeverPull', message }, true);
  }
  const began = clock.monotonic();
  node.event(pod, name, 'Normal', 'Pulling', `Pulling image "${image}"`);
  try {
    await runtime.pullImage(image, options);
  } catch (error) {
    const text = (error as Error).message;
    const reason = error instanceof RuntimeError ? error.reason : 'ErrImagePull';
    node.event(pod, name, 'Warning', 'Failed', `Failed to pull image "${image}": ${text}`);
    node.event(pod, name, 'Warning', 'Failed', `Error: ${reason}`);
    throw new StartFailure({ reason, message: text }, true);
  }
  const took = `${Math.round(clock.monotonic() - began)}ms`;
  node.event(pod, name, 'Normal', 'Pulled', `Successfully pulled image "${image}" in ${took}`);
}

async function environment({ pod, container, sandbox }: StartRequest, node: NodeContext): Promise<Env> {
  const facts = {
    podIP: sandbox.ips[0] ?? '',
    hostIP: node.hostIP,
    nodeName: node.nodeName,
    allocatable: node.allocatable,
  };
  try {
    return await containerEnv(pod, container, facts, node.sources);
  } catch (error) {
    if (!(error instanceof ContainerConfigError)) throw error;
    throw failed(error, 'CreateContainerConfigError', pod, container, node);
  }
}

async function mountsOf(
  { pod, container, volumes }: StartRequest,
  env: Env,
  node: NodeContext,
): Promise<Mount[]> {
  if (!node.volumes) return [];
  const values = new Map(env.map(({ name, value }) => [name, value]));
  const mounts: Mount[] = [];
  for (const { name, mountPath, subPath, subPathExpr, readOnly = false } of container.volumeMounts ?? []) {
    const prepared = volumes.get(name);
    try {
      if (!prepared) throw new VolumeError(name, `volume ${JSON.stringify(name)} is not set up`);
      const part = subPathExpr ? expand(subPathExpr, values) : subPath;
      const hostPath = await node.volumes.mountPath(prepared, part === '' ? undefined : part);
      mounts.push({ name, hostPath, containerPath: mountPath, readOnly: readOnly || prepared.readOnly });
    } catch (error) {
      throw failed(error, 'CreateContainerConfigError', pod, container, node);
    }
  }
  return mounts;
}

function terminationMessage({ container, sandbox, attempt }: StartRequest) {
  const containerPath = container.terminationMessagePath ?? '/dev/termination-log';
  return {
    containerPath,
    hostPath: `${sandbox.config.logDirectory}/${container.name}/${attempt}.termination`,
  };
}

function failed(
  error: unknown,
  reason: string,
  pod: Shared<Pod>,
  container: PodContainer,
  node: NodeContext,
): StartFailure {
  const message = (error as Error).message;
  const told = error instanceof RuntimeError ? error.reason : reason;
  node.event(pod, container.name, 'Warning', 'Failed', `Error: ${message}`);
  return new StartFailure({ reason: told, message }, false);
}
