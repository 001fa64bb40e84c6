/**
 * The seam between the API server and the nodes: what `kubectl logs`, `exec` and their kin are carried to.
 * Cluster puts a connector in place that knows the nodes of this process; the API server knows only this.
 *
 * Everything here may throw an ApiError, which the client is answered with.
 */

/** A container of a pod that is bound to a node; the API server has checked that pod and container exist. */
export interface ContainerTarget {
  readonly nodeName: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
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
  readonly stdout?: (chunk: Uint8Array) => void;
  readonly stderr?: (chunk: Uint8Array) => void;
  readonly resize?: AsyncIterable<TerminalSize>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
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
}
