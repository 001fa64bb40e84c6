/**
 * The seam between the API server and the nodes: what `kubectl logs`, `exec` and their kin are carried to.
 * Cluster puts a connector in place that knows the nodes of this process; the API server knows only this.
 *
 * Everything here may throw an ApiError, which the client is answered with.
 */

/** A pod that is bound to a node; the API server has checked that it exists. */
export interface PodTarget {
  readonly nodeName: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
}

/** A container of a pod that is bound to a node; the API server has checked that pod and container exist. */
export interface ContainerTarget extends PodTarget {
  readonly container: string;
}

/** `PodLogOptions` without the container. */
export interface LogOptions {
  readonly follow: boolean;
  /** The previous run of the container. */
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** Milliseconds since the epoch: lines before it are left out. */
  readonly sinceTime?: number;
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The streams of one exec or attach, from the server's side. */
export interface ExecStreams {
  /** What the client types; ends when the client closes its side. Absent when not asked for. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Whoever gets a promise waits for it before there is more. */
  readonly stdout?: (chunk: Uint8Array) => void | Promise<void>;
  readonly stderr?: (chunk: Uint8Array) => void | Promise<void>;
  readonly resize?: AsyncIterable<TerminalSize>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

/** A connection to a port: bytes both ways. Whoever has it ends it, by reading to the end and `end()`, or `destroy()`. */
export interface PortConnection {
  /** Ends when the other side has; throws when the connection breaks. One reader. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Resolves when more can be taken. @throws Error when nobody is there any more */
  write(chunk: Uint8Array): Promise<void>;
  /** Nothing more will be written; the other side may go on. Harmless when repeated. */
  end(): void;
  /** Ends both directions at once. Harmless when repeated. */
  destroy(): void;
}

export interface NodeConnector {
  /**
   * The log as `kubectl logs` prints it; with `follow` it ends when the container does.
   * @throws ApiError BadRequest when the container has not started or has no previous run
   */
  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Runs a command; resolves with its exit code. @throws ApiError when it cannot be started */
  exec(
    target: ContainerTarget,
    options: { readonly command: readonly string[]; readonly tty: boolean },
    streams: ExecStreams,
  ): Promise<number>;
  /** Connects to the container's own streams; resolves when it ends or the client leaves. */
  attach(target: ContainerTarget, options: { readonly tty: boolean }, streams: ExecStreams): Promise<void>;
  /**
   * Connects to a TCP port of a pod: what port-forward and proxy go through. Aborting the signal gives the attempt up.
   * @throws ApiError when the pod does not run there; Error worded as `dial tcp …` when nothing listens
   */
  dial(target: PodTarget, port: number, signal: AbortSignal): Promise<PortConnection>;
}
