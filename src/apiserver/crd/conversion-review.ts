/** ConversionReview v1: what a conversion webhook is asked, and whether its answer will do. */
import { ApiError, type JsonObject, type JsonValue, labelValue, qualifiedName } from '../../api/index.js';

const reviewVersion = 'apiextensions.k8s.io/v1';

export function conversionReview(
  uid: string,
  desiredAPIVersion: string,
  objects: readonly JsonObject[],
): JsonObject {
  return {
    kind: 'ConversionReview',
    apiVersion: reviewVersion,
    request: { uid, desiredAPIVersion, objects: [...objects] },
  };
}

/** The error of a conversion: code 500, without a reason, as Kubernetes answers it. */
export function conversionFailed(message: string): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    code: 500,
  });
}

/** `example.com/v1, Kind=Gizmo`. */
export function kindText({ apiVersion, kind }: JsonObject): string {
  return `${String(apiVersion)}, Kind=${String(kind)}`;
}

/**
 * The converted objects, in the order of the originals, with the originals' metadata but for labels and
 * annotations.
 * @throws ApiError, code 500
 */
export function convertedObjects(
  answer: JsonObject,
  uid: string,
  desired: string,
  originals: readonly JsonObject[],
): JsonObject[] {
  const webhook = `conversion webhook for ${kindText(originals[0] ?? {})}`;
  const failed = (why: string): ApiError => conversionFailed(`${webhook} failed: ${why}`);
  const response = objectOf(answer.response);
  if (!response) throw failed('no response provided');
  if (answer.apiVersion !== reviewVersion || answer.kind !== 'ConversionReview')
    throw failed(
      `expected webhook response of ${reviewVersion}, Kind=ConversionReview, got ${kindText(answer)}`,
    );
  if (response.uid !== uid) {
    throw failed(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(String(response.uid ?? ''))}`,
    );
  }
  const { status, message } = objectOf(response.result) ?? {};
  if (status !== 'Success') {
    throw failed(
      typeof message === 'string' && message !== ''
        ? message
        : `response.result.status was '${String(status ?? '')}', not 'Success'`,
    );
  }
  const converted = Array.isArray(response.convertedObjects)
    ? (response.convertedObjects as readonly JsonValue[])
    : [];
  if (converted.length !== originals.length) {
    throw conversionFailed(`${webhook} returned ${converted.length} objects, expected ${originals.length}`);
  }
  return originals.map((original, i) => {
    const object = objectOf(converted[i]) ?? {};
    const at = originals.length === 1 ? '' : ` at index ${i}`;
    const problem = identityProblem(original, object, desired);
    if (problem !== undefined)
      throw conversionFailed(`${webhook} returned invalid converted object${at}: ${problem}`);
    const metadata = metadataOf(original, object);
    if (typeof metadata === 'string')
      throw conversionFailed(
        `${webhook} returned invalid metadata${at === '' ? '' : ` in object${at}`}: ${metadata}`,
      );
    return { ...object, metadata };
  });
}

function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

function identityProblem(original: JsonObject, converted: JsonObject, desired: string): string | undefined {
  if (converted.apiVersion !== desired)
    return `invalid groupVersion (expected ${desired}, received ${String(converted.apiVersion ?? '')})`;
  if (converted.kind !== original.kind)
    return `invalid kind (expected ${String(original.kind)}, received ${String(converted.kind ?? '')})`;
  const [before, after] = [objectOf(original.metadata) ?? {}, objectOf(converted.metadata)];
  if (!after) return undefined;
  for (const [field, name] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [expected, got] = [before[field] ?? '', after[field] ?? ''];
    if (expected !== got) return `must have the same ${name}: ${String(expected)} != ${String(got)}`;
  }
  return undefined;
}

/** The original's metadata with the labels and annotations of the converted object, or what is wrong with them. */
function metadataOf(original: JsonObject, converted: JsonObject): JsonObject | string {
  const said = objectOf(converted.metadata);
  if (!said) return 'missing metadata in converted object';
  const metadata: Record<string, JsonValue> = { ...objectOf(original.metadata) };
  for (const field of ['labels', 'annotations'] as const) {
    delete metadata[field];
    const given = said[field];
    if (given === undefined || given === null) continue;
    const map = objectOf(given);
    if (!map) return `invalid metadata.${field} of type ${typeof given} in converted object`;
    for (const [key, value] of Object.entries(map)) {
      if (typeof value !== 'string')
        return `metadata.${field}[${key}] must be a string, but is ${typeof value} in converted object`;
      const [why] = [
        ...qualifiedName(field === 'annotations' ? key.toLowerCase() : key),
        ...(field === 'labels' ? labelValue(value) : []),
      ];
      if (why !== undefined) return `metadata.${field}: Invalid value: ${JSON.stringify(key)}: ${why}`;
    }
    metadata[field] = map;
  }
  return metadata;
}
