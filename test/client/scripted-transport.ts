/** A Transport that records what is asked and answers from a script. */
import type { ApiRequest, ApiResponse, Transport, WatchResponse } from 'gyre/api';

export type Answer = Partial<ApiResponse> | ((request: ApiRequest) => Partial<ApiResponse>) | Error;

export class ScriptedTransport implements Transport {
  readonly requests: ApiRequest[] = [];
  readonly #answers: Answer[];

  /** Answers in order; the last one is given again and again. */
  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  /** The last request. */
  get last(): ApiRequest {
    const request = this.requests.at(-1);
    if (!request) throw new Error('nothing was asked');
    return request;
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    request.signal?.throwIfAborted();
    this.requests.push(request);
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    if (answer instanceof Error) throw answer;
    const given = typeof answer === 'function' ? answer(request) : answer;
    return { status: 200, headers: {}, body: {}, ...given };
  }

  async watch<T>(request: ApiRequest): Promise<WatchResponse<T>> {
    this.requests.push(request);
    const answer = this.#answers[0];
    if (answer instanceof Error) throw answer;
    return { headers: {}, events: (async function* () {})() };
  }

  close(): void {}
}
