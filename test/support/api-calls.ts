/** An API server driven request by request, over whatever transport: for tests of what the verbs do. */
import { expect } from 'chai';
import type { ApiResponse, HttpMethod, Status, Transport, UserInfo, WatchEvent } from 'gyre/api';

/** An object or a list as tests look at it. */
export interface Answer {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly ManagedFields[];
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly Answer[];
  // oxlint-disable-next-line typescript/no-explicit-any -- the fields of whatever kind a test is about
  readonly [field: string]: any;
}

interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: object;
}

export type Event = WatchEvent<Answer>;

export const mergePatch = { 'content-type': 'application/merge-patch+json' };
export const jsonPatch = { 'content-type': 'application/json-patch+json' };
export const applyPatch = { 'content-type': 'application/apply-patch+yaml' };

/** What `/a/b?c=d` is to a transport. */
export function placeOf(url: string): { readonly path: string; readonly query: Record<string, string> } {
  const [path = '', search = ''] = url.split('?');
  return { path, query: Object.fromEntries(new URLSearchParams(search)) };
}

export abstract class ApiCalls {
  /** As an admin unless told otherwise. */
  protected abstract transport(user?: UserInfo): Transport;

  /** Sends one request, and gives whatever is answered. */
  ask(
    method: HttpMethod,
    url: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
    user?: UserInfo,
  ): Promise<ApiResponse> {
    return this.transport(user).request({
      method,
      ...placeOf(url),
      ...(headers ? { headers } : {}),
      ...(body === undefined ? {} : { body: structuredClone(body) }),
    });
  }

  /** What a request that succeeds answers. */
  async get(url: string, accept?: string): Promise<Answer> {
    return succeeded(await this.ask('GET', url, undefined, accept ? { accept } : undefined));
  }
  async post(url: string, body: object): Promise<Answer> {
    return succeeded(await this.ask('POST', url, body));
  }
  async put(url: string, body: object): Promise<Answer> {
    return succeeded(await this.ask('PUT', url, body));
  }
  async delete(url: string, body?: object): Promise<Answer> {
    return succeeded(await this.ask('DELETE', url, body));
  }
  /** A merge patch, unless the headers say otherwise. */
  async patch(
    url: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = mergePatch,
  ): Promise<Answer> {
    return succeeded(await this.ask('PATCH', url, body, headers));
  }

  /** The Status of a request that is refused with this code. */
  async refused(
    code: number,
    method: HttpMethod,
    url: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Status & { readonly metadata: { readonly continue?: string } }> {
    const response = await this.ask(method, url, body, headers);
    expect(response.status, JSON.stringify(response.body)).to.equal(code);
    return response.body as Status & { metadata: { continue?: string } };
  }
}

function succeeded({ status, body }: ApiResponse): Answer {
  expect(status, JSON.stringify(body)).to.be.lessThan(300);
  return body as Answer;
}

/** `ADDED a`, `DELETED b`, … */
export function told(events: readonly Event[]): string[] {
  return events.map(({ type, object }) =>
    type === 'ERROR' ? `${type} ${object.code}` : `${type} ${(object as Answer).metadata.name ?? ''}`.trim(),
  );
}
