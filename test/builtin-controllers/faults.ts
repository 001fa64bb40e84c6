/** Writes that go wrong, for tests of what a controller makes of it. */
import type { TestCluster } from 'gyre/testing';

/**
 * From now on every write of `user` for which `fails` says so is answered 500: `before` it is done, or
 * `after` it, when the answer is lost. Returns what ends it, and tells how many failed.
 */
export function failWrites(
  t: TestCluster,
  user: string,
  fails: (count: number) => 'before' | 'after' | undefined,
): () => number {
  const { server } = t.cluster;
  const handle = server.handle.bind(server);
  let count = 0;
  let failed = 0;
  server.handle = async (request) => {
    const isWrite = request.method !== 'GET' && request.user?.username === user;
    const fault = isWrite ? fails(count++) : undefined;
    if (fault === undefined) return handle(request);
    failed++;
    if (fault === 'after') await handle(request);
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: 'InternalError',
    };
    return {
      code: 500,
      headers: { 'content-type': 'application/json' },
      body: { ...status, message: 'the answer was lost', code: 500 },
    };
  };
  return () => {
    server.handle = handle;
    return failed;
  };
}
