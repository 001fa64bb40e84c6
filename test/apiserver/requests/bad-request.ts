/** One bad request and the refusal it must get. */
import { expect } from 'chai';
import type { ApiRequest, ApiResponse, HttpMethod, Status, Transport } from 'gyre/api';

export interface Row {
  readonly title: string;
  /** A statement of behaviour, or a file of the public Kubernetes sources. */
  readonly source: string;
  readonly request: readonly [HttpMethod, string, unknown?, Readonly<Record<string, string>>?];
  readonly code: number;
  readonly reason?: string;
  readonly message?: string | RegExp;
  /** `field: reason: message`, as far as it is given. */
  readonly causes?: readonly (string | RegExp)[];
  readonly warning?: RegExp;
}

/** Strings and bytes go as they are. */
export function send(
  transport: Transport,
  [method, url, body, headers]: Row['request'],
): Promise<ApiResponse> {
  const [path = '', search = ''] = url.split('?');
  const query: Record<string, string> = Object.fromEntries(new URLSearchParams(search));
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const request: ApiRequest = {
    method,
    path,
    query,
    ...(headers ? { headers } : {}),
    ...(body === undefined ? {} : { body: raw ? body : structuredClone(body) }),
  };
  return transport.request(request);
}

/** @throws AssertionError when the answer is not the row's */
export function check(row: Row, response: ApiResponse): void {
  const shown = JSON.stringify(response.body)?.slice(0, 600);
  expect(response.status, shown).to.equal(row.code);
  if (row.warning) expect(response.headers.warning).to.match(row.warning);
  if (row.code < 400) return;
  const status = response.body as Status;
  expect(status.kind).to.equal('Status');
  expect(status.status).to.equal('Failure');
  expect(status.code).to.equal(row.code);
  if (row.reason !== undefined) expect(status.reason, shown).to.equal(row.reason);
  if (typeof row.message === 'string') expect(status.message).to.equal(row.message);
  else if (row.message) expect(status.message).to.match(row.message);
  const causes = (status.details?.causes ?? []).map((c) =>
    [c.field, c.reason, c.message].filter((part) => part !== undefined).join(': '),
  );
  for (const wanted of row.causes ?? []) {
    const found = causes.some((cause) =>
      typeof wanted === 'string' ? cause === wanted : wanted.test(cause),
    );
    expect(found, `a cause ${String(wanted)} among\n${causes.join('\n')}`).to.equal(true);
  }
}
