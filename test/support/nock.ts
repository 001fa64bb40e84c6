/**
 * nock, off until a suite wants it. On import it takes over node:http for the whole run, and what it lets through to real
 * servers it breaks off when the reader is slow: suites with real servers must not know of it.
 */
import nock from 'nock';

nock.restore();

export { nock };

/** From here on nothing leaves the process. */
export function mockHttp(): void {
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
}

/** Requests go where they should again. */
export function unmockHttp(): void {
  nock.cleanAll();
  nock.enableNetConnect();
  nock.restore();
}
