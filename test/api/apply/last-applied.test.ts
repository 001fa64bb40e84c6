import { expect } from 'chai';
import { applyServerSide, isApiError, type Schema, trackUpdate } from '#src/api/index.js';
import type { JsonObject } from '#src/api/objects.js';

const text: Schema = { type: 'string' };
const strings: Schema = { type: 'object', additionalProperties: text };
const schema: Schema = {
  type: 'object',
  properties: {
    apiVersion: text,
    kind: text,
    metadata: { type: 'object', properties: { name: text, annotations: strings } },
    data: strings,
  },
};
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
const now = '2026-01-01T00:00:00Z';
const map = (data: Record<string, string>, annotations?: Record<string, string>): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'm', ...(annotations ? { annotations } : {}) },
  data,
});
const write = { schema, apiVersion: 'v1', now };

/** As `kubectl apply` leaves it, and `other` after it. */
function appliedFromTheClient(data: Record<string, string>, told = JSON.stringify(map(data))): JsonObject {
  const created = trackUpdate({
    ...write,
    live: undefined,
    updated: map(data, { [annotation]: told }),
    manager: 'kubectl-client-side-apply',
  });
  const changed = { ...created, data: { ...data, extra: 'theirs' } };
  return trackUpdate({ ...write, live: created, updated: changed, manager: 'other' });
}

const apply = (live: JsonObject, applied: JsonObject, manager = 'kubectl'): JsonObject =>
  applyServerSide({ ...write, live, applied, manager, force: false }).object;
const toldIn = (object: JsonObject): string | undefined =>
  (object.metadata as { annotations?: Record<string, string> }).annotations?.[annotation];

describe('the upgrade from client-side apply (API-9)', () => {
  it('who applied from the client may change on the server what he applied', () => {
    const after = apply(appliedFromTheClient({ a: '1', b: '2' }), map({ a: '3', b: '2' }));
    expect(after.data).to.deep.equal({ a: '3', b: '2', extra: 'theirs' });
  });

  it('the annotation follows, so that he can go back', () => {
    const after = apply(appliedFromTheClient({ a: '1' }), map({ a: '3' }, { note: 'x' }));
    expect(toldIn(after)).to.equal(`${JSON.stringify(map({ a: '3' }, { note: 'x' }))}\n`);
  });

  it('what others own he may not change, and then nothing of it', () => {
    const live = appliedFromTheClient({ a: '1' });
    try {
      apply(live, map({ a: '3', extra: 'mine' }));
    } catch (error) {
      if (!isApiError(error, 'Conflict')) throw error;
      // Kubernetes names all that was contested.
      expect(error.status.details?.causes?.map(({ field }) => field)).to.deep.equal([
        '.data.a',
        '.data.extra',
      ]);
      return;
    }
    throw new Error('did not conflict');
  });

  for (const [who, live, manager] of [
    ['another manager', appliedFromTheClient({ a: '1' }), 'other-tool'],
    ['a broken annotation', appliedFromTheClient({ a: '1' }, '{"data":'), 'kubectl'],
    ['an annotation that is no object', appliedFromTheClient({ a: '1' }, '[1]'), 'kubectl'],
  ] as const)
    it(`${who} gives no right`, () => {
      expect(() => apply(live, map({ a: '3' }), manager)).to.throw('conflict');
    });

  it('where there is no annotation none is made', () => {
    const live = trackUpdate({ ...write, live: undefined, updated: map({ a: '1' }), manager: 'other' });
    expect(toldIn(apply(live, map({ b: '2' })))).to.equal(undefined);
  });

  it('another manager leaves the annotation as it is', () => {
    const live = appliedFromTheClient({ a: '1' });
    expect(toldIn(apply(live, map({ b: '2' }), 'other-tool'))).to.equal(toldIn(live));
  });

  it('a configuration that is too large for an annotation has none', () => {
    const live = appliedFromTheClient({ a: '1' });
    expect(toldIn(apply(live, map({ a: 'x'.repeat(256 * 1024) })))).to.equal(undefined);
  });
});
