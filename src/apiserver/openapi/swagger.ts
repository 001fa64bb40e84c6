/**
 * `/openapi/v2`: what the documents of OpenAPI v3 say, in one and in the older form, for clients that read no other.
 *
 * What Swagger 2 has no word for is left out, as Kubernetes does: `oneOf`, `anyOf`, `not`, `nullable`.
 */
import { leafTypeNames } from '../../api/facts/index.js';
import type { JsonObject, JsonValue } from '../../api/index.js';
import { kubernetesVersion } from '../version.js';

const unsayable = new Set(['oneOf', 'anyOf', 'not', 'nullable']);
const prefix = '#/components/schemas/';

/** @param documents of OpenAPI v3, one per group-version */
export function swaggerOf(documents: readonly JsonObject[]): JsonObject {
  const definitions = new Map<string, JsonValue>();
  const paths = new Map<string, JsonValue>();
  for (const document of documents) {
    const { schemas = {} } = (document.components ?? {}) as { schemas?: JsonObject };
    for (const [name, schema] of Object.entries(schemas)) {
      const known = definitions.get(name) as JsonObject | undefined;
      const converted = leaves[name] ?? (schemaOf(schema) as JsonObject);
      definitions.set(name, known ? withKinds(known, converted) : converted);
    }
    for (const [path, item] of Object.entries((document.paths ?? {}) as JsonObject))
      paths.set(path, pathItem(item as JsonObject));
  }
  const sorted = (map: ReadonlyMap<string, JsonValue>): JsonObject =>
    Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: kubernetesVersion.gitVersion },
    paths: sorted(paths),
    definitions: sorted(definitions),
    securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
    security: [{ BearerToken: [] }],
  };
}

/** What `oneOf` says in v3. */
const leaves: Readonly<Record<string, JsonObject>> = {
  [leafTypeNames.intOrString]: { type: 'string', format: 'int-or-string' },
  [leafTypeNames.quantity]: { type: 'string' },
};
const kindsKey = 'x-kubernetes-group-version-kind';

/** A type that several group-versions speak of is of all their kinds: DeleteOptions. */
function withKinds(known: JsonObject, more: JsonObject): JsonObject {
  const kinds = [known, more].flatMap((each) => (each[kindsKey] ?? []) as readonly JsonObject[]);
  if (kinds.length === 0) return known;
  const unique = new Map(kinds.map((kind) => [JSON.stringify(kind), kind]));
  return { ...known, [kindsKey]: [...unique.values()] };
}

function schemaOf(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(schemaOf);
  if (typeof value !== 'object' || value === null) return value;
  const object = value as JsonObject;
  const { $ref, allOf } = object;
  if (typeof $ref === 'string') return { $ref: $ref.replace(prefix, '#/definitions/') };
  const [only] = Array.isArray(allOf) && allOf.length === 1 ? (allOf as JsonObject[]) : [];
  // Beside a reference nothing is read in Swagger 2.
  if (typeof only?.$ref === 'string') return schemaOf(only);
  const entries = Object.entries(object)
    .filter(([key]) => !unsayable.has(key))
    .map(([key, each]): [string, JsonValue] => [
      key,
      key === 'properties'
        ? Object.fromEntries(
            Object.entries(each as JsonObject).map(([name, schema]) => [name, schemaOf(schema)]),
          )
        : key === 'default' || key === 'enum' || key === 'example'
          ? each
          : schemaOf(each),
    ]);
  return Object.fromEntries(entries);
}

function pathItem(item: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => [
      key,
      key === 'parameters' ? (value as readonly JsonObject[]).map(parameter) : operation(value as JsonObject),
    ]),
  );
}

function parameter({ schema, ...rest }: JsonObject): JsonObject {
  return { ...rest, ...(schema as JsonObject | undefined) };
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: JsonObject }>>;
}

function operation({ requestBody, responses, parameters = [], ...rest }: JsonObject): JsonObject {
  const body = requestBody as (Content & { readonly required?: boolean }) | undefined;
  const [given] = Object.values(body?.content ?? {});
  const answers = Object.entries(
    (responses ?? {}) as unknown as Record<string, Content & { readonly description: string }>,
  );
  const produced = new Set(answers.flatMap(([, { content = {} }]) => Object.keys(content)));
  return {
    ...rest,
    consumes: Object.keys(body?.content ?? { '*/*': {} }),
    produces: [...produced],
    schemes: ['https'],
    parameters: [
      ...(parameters as readonly JsonObject[]).map(parameter),
      ...(given
        ? [
            {
              name: 'body',
              in: 'body',
              schema: schemaOf(given.schema),
              ...(body?.required ? { required: true } : {}),
            },
          ]
        : []),
    ],
    responses: Object.fromEntries(
      answers.map(([code, { description, content = {} }]) => {
        const [answer] = Object.values(content);
        return [code, { description, ...(answer ? { schema: schemaOf(answer.schema) } : {}) }];
      }),
    ),
  };
}
