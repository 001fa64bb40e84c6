/** What "supports API operations" means for a kind: every verb, and each seen by a watch. */
import { expect } from 'chai';
import { mergePatch } from '../support/api-calls.js';
import type { World } from './conformance.js';

export interface Operations {
  /** `apps/v1`; `v1` for the core group. */
  readonly groupVersion: string;
  readonly plural: string;
  readonly kind: string;
  /** Default true. */
  readonly namespaced?: boolean;
  /** All of the object but its name and labels. */
  readonly object: Readonly<Record<string, unknown>>;
  /** A status to patch and to replace, where there is one. */
  readonly status?: Readonly<Record<string, unknown>>;
  /** The version is told by discovery. Default true. */
  readonly discovered?: boolean;
}

/**
 * Create, get, list (of a namespace, of all), watch, patch, update, status, delete, and delete of a collection: each as
 * it should be, and told to a watch.
 */
export async function supportsApiOperations(k: World, about: Operations): Promise<void> {
  const { groupVersion, plural, kind, namespaced = true, object, status, discovered = true } = about;
  const root = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
  const collection = namespaced ? k.at(groupVersion, plural) : `${root}/${plural}`;
  const label = { 'conformance-case': k.namespace };
  const selector = `labelSelector=conformance-case%3D${k.namespace}`;
  const name = (n: number): string => `${k.namespace}-${plural}-${n}`;

  if (discovered) {
    const { resources } = (await k.get(root)) as unknown as {
      resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
    };
    const served = resources.find((r) => r.name === plural);
    expect(served, `${plural} in the discovery of ${groupVersion}`).to.include({ kind, namespaced });
    expect(served?.verbs).to.include.members(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']);
  }

  const before = await k.get(`${collection}?${selector}`);
  const seen = await k.watch(`${collection}?${selector}&resourceVersion=${before.metadata.resourceVersion}`);
  const given = (n: number) => ({
    ...object,
    apiVersion: groupVersion,
    kind,
    metadata: { ...(object.metadata as object | undefined), name: name(n), labels: label },
  });
  for (const n of [1, 2, 3]) {
    const made = await k.post(collection, given(n));
    expect(made.metadata.uid, 'uid').to.be.a('string').and.not.equal('');
    expect(made.kind).to.equal(kind);
  }
  await k.refused(409, 'POST', collection, given(1));
  const read = await k.get(`${collection}/${name(1)}`);
  expect(read.metadata.name).to.equal(name(1));
  const listed = await k.get(`${collection}?${selector}`);
  expect(listed.items.map((item) => item.metadata.name)).to.have.members([name(1), name(2), name(3)]);
  if (namespaced) {
    const everywhere = await k.get(`${root}/${plural}?${selector}`);
    expect(everywhere.items).to.have.length(3);
  }
  await seen.until('ADDED', (o) => o.metadata.name === name(1));

  const patched = await k.patch(
    `${collection}/${name(1)}`,
    { metadata: { annotations: { patched: 'true' } } },
    mergePatch,
  );
  expect(patched.metadata.annotations).to.include({ patched: 'true' });
  await seen.until('MODIFIED', (o) => o.metadata.annotations?.patched === 'true');

  const newest = await k.get(`${collection}/${name(1)}`);
  const updated = await k.put(`${collection}/${name(1)}`, {
    ...newest,
    metadata: { ...newest.metadata, annotations: { ...newest.metadata.annotations, updated: 'true' } },
  });
  expect(updated.metadata.annotations).to.include({ patched: 'true', updated: 'true' });
  await seen.until('MODIFIED', (o) => o.metadata.annotations?.updated === 'true');
  await k.refused(409, 'PUT', `${collection}/${name(1)}`, newest);

  if (status) {
    const at = `${collection}/${name(1)}/status`;
    expect((await k.get(at)).metadata.name).to.equal(name(1));
    const withStatus = await k.patch(
      at,
      { metadata: { annotations: { 'patched-status': 'true' } }, status },
      mergePatch,
    );
    expect(withStatus.status).to.deep.include(status);
    const replaced = await k.put(at, {
      ...withStatus,
      metadata: { ...withStatus.metadata, annotations: { 'updated-status': 'true' } },
    });
    expect(replaced.status).to.deep.include(status);
  }

  await k.delete(`${collection}/${name(1)}`);
  await seen.until('DELETED', (o) => o.metadata.name === name(1));
  await k.refused(404, 'GET', `${collection}/${name(1)}`);
  await k.delete(`${collection}?${selector}`);
  await k.eventually(async () => {
    expect((await k.get(`${collection}?${selector}`)).items).to.deep.equal([]);
  });
}
