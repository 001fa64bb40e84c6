/**
 * What a kubelet asks of whatever runs containers. Shaped like CRI v1 (`RuntimeService`, `ImageService`),
 * so that one kubelet drives `simulated`, `process`, and later runc and containerd alike.
 *
 * Rules every runtime keeps: ids are unique for good; sandboxes and containers of a former life of this
 * process are still listed, with what became of them; stop and remove may be repeated and take what is
 * gone; (sandbox, container name, attempt) is refused twice, so nothing ever runs doubly. Failures are
 * RuntimeError with a reason that a container status can carry (KL-11).
 */
import type { Observable } from 'rxjs';
import type { PortConnection } from '../api/index.js';

/** Why a runtime refused, in the words container statuses use (KL-11). */
export type RuntimeErrorReason =
  | 'ErrImagePull'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'StartError'
  | 'CreatePodSandboxError'
  | 'NotFound'
  | 'NotRunning';

export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  constructor(
    readonly reason: RuntimeErrorReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A pod as a runtime knows it. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface PodSandboxConfig {
  readonly pod: PodIdentity;
  /** Counts the sandboxes this pod has had, from 0. */
  readonly attempt: number;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly hostNetwork: boolean;
  /** Where the logs of its containers go: `<log root>/<namespace>_<name>_<uid>` (KL-19). */
  readonly logDirectory: string;
}

export interface PodSandboxStatus {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly state: 'ready' | 'notReady';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The pod's addresses; empty until there is one. */
  readonly ips: readonly string[];
}

export interface Mount {
  /** Of the pod's volume; for messages. */
  readonly name: string;
  /** An existing file or directory of the node. */
  readonly hostPath: string;
  /** Absolute; where the container sees it. */
  readonly containerPath: string;
  readonly readOnly: boolean;
}

/** What a container may use; undefined: no limit. */
export interface ContainerResources {
  /** Millicores. */
  readonly cpuRequest?: number;
  readonly cpuLimit?: number;
  /** Bytes. */
  readonly memoryLimit?: number;
}

export interface ContainerConfig {
  readonly name: string;
  /** Counts the restarts of this container within its pod, from 0; becomes `restartCount`. */
  readonly attempt: number;
  readonly image: string;
  /** Replaces the image's ENTRYPOINT, and drops its CMD. */
  readonly command?: readonly string[];
  /** Replaces the image's CMD. */
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  /** The container's termination message file: a path of the node, and where the container sees it. */
  readonly terminationMessage?: { readonly hostPath: string; readonly containerPath: string };
  readonly stdin: boolean;
  /** Standard input ends with the first who was attached to it. Default false. */
  readonly stdinOnce?: boolean;
  readonly tty: boolean;
  /** Ports the pod declares for it; a stand-in image may read them. */
  readonly ports: readonly {
    readonly containerPort: number;
    readonly name?: string;
    readonly protocol: string;
  }[];
  readonly resources: ContainerResources;
  readonly securityContext: {
    readonly runAsUser?: number;
    readonly runAsGroup?: number;
    readonly readOnlyRootFilesystem?: boolean;
    readonly privileged?: boolean;
  };
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Changes when the container's part of the pod spec does (KL-5). */
  readonly specHash: string;
  /** Path of the log file below the sandbox's log directory: `<name>/<attempt>.log`. */
  readonly logPath: string;
}

export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** Set once exited. 128 + the number of the signal that ended it. */
  readonly exitCode?: number;
  readonly signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`. */
  readonly reason?: string;
  readonly message?: string;
  readonly imageRef: string;
}

/** Something became of a container or sandbox: look again. A nudge may be lost; listing tells the truth. */
export interface RuntimeEvent {
  readonly podUid: string;
  readonly type: 'containerStarted' | 'containerStopped' | 'sandboxChanged';
  readonly containerId?: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Whoever gets a promise waits for it before there is more. */
  readonly stdout?: (chunk: Uint8Array) => void | Promise<void>;
  readonly stderr?: (chunk: Uint8Array) => void | Promise<void>;
  /** Terminal sizes as they change. */
  readonly resize?: AsyncIterable<{ readonly width: number; readonly height: number }>;
  readonly signal?: AbortSignal;
}

export interface AttachOptions {
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Whoever gets a promise waits for it before there is more. */
  readonly stdout?: (chunk: Uint8Array) => void | Promise<void>;
  readonly stderr?: (chunk: Uint8Array) => void | Promise<void>;
  /** Terminal sizes as they change. */
  readonly resize?: AsyncIterable<{ readonly width: number; readonly height: number }>;
  readonly signal: AbortSignal;
}

export type ProbeAction =
  | {
      readonly type: 'httpGet';
      readonly scheme: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly type: 'tcpSocket'; readonly host: string; readonly port: number }
  | { readonly type: 'grpc'; readonly host: string; readonly port: number; readonly service: string }
  | { readonly type: 'exec'; readonly command: readonly string[] };

export interface ProbeResult {
  readonly outcome: 'success' | 'failure' | 'error';
  /** What events and messages say, e.g. `HTTP probe failed with statuscode: 500`. */
  readonly message: string;
}

/** What an image is wanted for. A runtime without images needs none where the container has a command. */
export interface ImageUse {
  readonly hasCommand: boolean;
}

export interface ContainerRuntime {
  /** `simulated`, `process`, …; with the version it is the node's `containerRuntimeVersion`: `process://0.1.0`. */
  readonly name: string;
  readonly version: string;
  /** True when containers have files: volumes are then really prepared on the node. */
  readonly hasFilesystem: boolean;
  readonly events$: Observable<RuntimeEvent>;

  /** Finds what a former life left behind. Called once, before anything else. */
  start(): Promise<void>;
  /** Forgets timers and watchers; containers go on. Stopping them is the kubelet's decision. */
  close(): Promise<void>;

  /** Allocates an address and whatever the containers share. @throws RuntimeError CreatePodSandboxError */
  runPodSandbox(config: PodSandboxConfig): Promise<PodSandboxStatus>;
  /** Ends all its containers at once and gives up what they share. Repeatable. */
  stopPodSandbox(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;
  listPodSandboxes(podUid?: string): Promise<readonly PodSandboxStatus[]>;

  /** @throws RuntimeError ErrImagePull, InvalidImageName; the message says what to do */
  pullImage(image: string, use?: ImageUse): Promise<string>;
  /** The image's reference when it is present. */
  imageStatus(image: string, use?: ImageUse): Promise<string | undefined>;

  /** @throws RuntimeError CreateContainerError */
  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  /** @throws RuntimeError StartError; the container is then `exited` with code 128 */
  startContainer(id: string): Promise<void>;
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when it has ended. Repeatable. */
  stopContainer(id: string, graceMs: number): Promise<void>;
  /** Ends it first if need be; its logs stay until the pod goes. Repeatable. */
  removeContainer(id: string): Promise<void>;
  listContainers(podUid?: string): Promise<readonly ContainerStatus[]>;

  /** Runs a command in a running container until it ends or the time is up. @throws RuntimeError NotRunning */
  execSync(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>;
  /** Like `execSync`, with streams. Resolves with the exit code. @throws RuntimeError NotRunning */
  exec(id: string, options: ExecOptions): Promise<number>;
  /**
   * Joins a running container's own streams, from now on. Resolves when it has ended or the signal is aborted.
   * @throws RuntimeError NotRunning
   */
  attach(id: string, options: AttachOptions): Promise<void>;
  /** Runs one probe against a running container; never throws. */
  probe(id: string, action: ProbeAction, timeoutMs: number): Promise<ProbeResult>;
  /**
   * Connects to a TCP port of a sandbox. Aborting the signal gives the attempt up.
   * @throws RuntimeError NotFound, NotRunning; Error worded as `dial tcp …` when nothing listens
   */
  dial(sandboxId: string, port: number, signal: AbortSignal): Promise<PortConnection>;
}
