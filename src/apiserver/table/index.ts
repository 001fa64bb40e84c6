import type { JsonObject, ListMeta } from '../../api/index.js';
export interface CrdColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
}
export function tableOf(
  _s: object,
  objects: readonly JsonObject[],
  o: { now: number; includeObject: string; metadata?: ListMeta; withHeaders?: boolean },
): object {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: o.metadata ?? {},
    columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }],
    rows: objects.map((x) => ({ cells: [(x.metadata as JsonObject).name], object: x })),
  };
}
