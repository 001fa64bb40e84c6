/**
 * Signals of requests: aborted when the client is gone before it was answered, or when the server stops. Most requests are over before
 * anybody asks for theirs: it is made on demand.
 */
import type { ServerResponse } from 'node:http';

export class RequestLife {
  #controller: AbortController | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly stopping: AbortSignal,
    private readonly asked: Set<RequestLife>,
  ) {}

  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    const { response, stopping, asked } = this;
    const controller = new AbortController();
    this.#controller = controller;
    if (stopping.aborted) controller.abort(stopping.reason);
    else if (response.destroyed) this.#end();
    else {
      asked.add(this);
      response.once('close', () => this.#end());
    }
    return controller.signal;
  }

  /** The server stops. */
  stop(): void {
    this.#controller?.abort(this.stopping.reason);
  }

  #end(): void {
    this.asked.delete(this);
    if (!this.response.writableFinished) this.#controller?.abort();
  }
}
