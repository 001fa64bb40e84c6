/**
 * Writes what Gyre knows of the built-in kinds of Kubernetes 1.32:
 *
 *   src/api/facts/facts.json      every named type and every resource, in the format described in
 *                                 src/api/facts/table.ts
 *   src/api/kinds/<group>/<v>.ts  readonly interfaces and kind descriptors, one file per group-version
 *   src/api/kinds/index.ts        the preferred version of every kind
 *
 *     node scripts/generate-facts.mjs <data-dir>       (or KUBERNETES_FACTS=<data-dir>)
 *
 * It formats with the formatter in tools/, which `npm run format` installs.
 *
 * The data directory holds swagger-v1.32.0.json (OpenAPI v2), protobuf-field-numbers-v1.32.json
 * (message → field → [number, type, "repeated"?]) and structured-merge-schema-v1.32.yaml (list types and
 * keys). What they don't say is in facts-tables.mjs. Only facts are written, never description texts, and
 * the same input gives the same bytes. The script stops on anything the sources disagree about.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import * as tables from './facts-tables.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dataDir = process.argv[2] ?? process.env.KUBERNETES_FACTS;
if (!dataDir) throw new Error('usage: node scripts/generate-facts.mjs <data-dir>');
const read = (name) => readFileSync(join(dataDir, name), 'utf8');
const swagger = JSON.parse(read('swagger-v1.32.0.json'));
const protobuf = JSON.parse(read('protobuf-field-numbers-v1.32.json'));
const mergeTypes = new Map(
  parse(read('structured-merge-schema-v1.32.yaml'), { maxAliasCount: -1 }).types.map((t) => [t.name, t]),
);

const fail = (message) => {
  throw new Error(message);
};
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const splitName = (name) => [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)];
const aliasOfPackage = (pkg) => pkg.split('.').slice(-2).join('.');
const alias = (name) => name.split('.').slice(-3).join('.');
const packages = new Map();
const notePackage = (pkg) => {
  const short = aliasOfPackage(pkg);
  const known = packages.get(short);
  if (known !== undefined && known !== pkg) fail(`two packages are called ${short}`);
  packages.set(short, pkg);
};
const protoName = (name) =>
  name
    .replace(/^io\.k8s\./, 'k8s.io.')
    .replace('k8s.io.apiextensions-apiserver.', 'k8s.io.apiextensions_apiserver.')
    .replace('k8s.io.kube-aggregator.', 'k8s.io.kube_aggregator.');
const swaggerName = (proto) => proto.replace(/^k8s\.io\./, 'io.k8s.');
const refOf = (schema) => schema.$ref?.slice('#/definitions/'.length);

/** Types whose JSON is not an object of known fields: src/api/facts/leaf-types.ts describes them. */
const leafTypes = new Set([
  'api.resource.Quantity',
  'apiextensions.v1.JSON',
  'apiextensions.v1.JSONSchemaPropsOrArray',
  'apiextensions.v1.JSONSchemaPropsOrBool',
  'apiextensions.v1.JSONSchemaPropsOrStringArray',
  'meta.v1.FieldsV1',
  'meta.v1.MicroTime',
  'meta.v1.Time',
  'pkg.runtime.RawExtension',
  'util.intstr.IntOrString',
]);

const verbOfAction = {
  get: 'get',
  list: 'list',
  watch: 'watch',
  watchlist: 'watch',
  post: 'create',
  put: 'update',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'deletecollection',
};
const verbOfMethod = { get: 'get', post: 'create', put: 'update', patch: 'patch', delete: 'delete' };
const everyVerb = 'create delete deletecollection get list patch update watch';

const definitionOfKind = new Map();
for (const [name, definition] of Object.entries(swagger.definitions)) {
  const kinds = definition['x-kubernetes-group-version-kind'] ?? [];
  if (kinds.length !== 1) continue;
  definitionOfKind.set(`${kinds[0].group}/${kinds[0].version}/${kinds[0].kind}`, name);
}

function readResources() {
  const found = new Map();
  for (const [path, item] of Object.entries(swagger.paths)) {
    const match =
      /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?<watch>\/watch)?(?<ns>\/namespaces\/\{namespace\})?\/(?<plural>[a-z]+)(?<name>\/\{name\})?(?:\/(?<sub>[a-z]+))?(?:\/\{path\})?$/.exec(
        path,
      );
    if (!match) continue;
    const { core, group = '', version = core, ns, plural, sub } = match.groups;
    if (!tables.groups.some(([g, versions]) => g === group && versions.includes(version))) continue;
    const key = `${group}/${version}/${plural}`;
    if (tables.leftOut.includes(key)) continue;
    const resource = found.get(key) ?? {
      group,
      version,
      plural,
      namespaced: false,
      verbs: new Set(),
      subs: {},
    };
    found.set(key, resource);
    if (ns) resource.namespaced = true;
    for (const [method, operation] of Object.entries(item)) {
      const action = operation['x-kubernetes-action'];
      const verb = action === 'connect' ? verbOfMethod[method] : verbOfAction[action];
      if (!verb) continue;
      const gvk = operation['x-kubernetes-group-version-kind'];
      if (sub) {
        if (tables.gatedSubresources.includes(`${plural}/${sub}`)) continue;
        resource.subs[sub] ??= { gvk, verbs: new Set() };
        resource.subs[sub].verbs.add(verb);
      } else {
        resource.kind = gvk.kind;
        resource.verbs.add(verb);
      }
    }
  }
  const order = (r) => tables.groups.findIndex(([group]) => group === r.group);
  const versionOrder = (r) => tables.groups[order(r)][1].indexOf(r.version);
  const resources = [...found.values()].sort(
    (a, b) => order(a) - order(b) || versionOrder(a) - versionOrder(b) || compare(a.plural, b.plural),
  );
  return resources.map((r) => {
    const groupResource = r.group === '' ? r.plural : `${r.plural}.${r.group}`;
    const verbs = [...r.verbs].sort().join(' ');
    const expected = tables.verbExceptions[groupResource] ?? everyVerb;
    if (verbs !== expected) fail(`${groupResource} has verbs ${verbs}, expected ${expected}`);
    const type =
      definitionOfKind.get(`${r.group}/${r.version}/${r.kind}`) ?? fail(`no type for ${groupResource}`);
    notePackage(splitName(type)[0]);
    const subresources = {};
    for (const name of Object.keys(r.subs).sort()) {
      const { gvk, verbs } = r.subs[name];
      const apiVersion = gvk.group === '' ? gvk.version : `${gvk.group}/${gvk.version}`;
      subresources[name] = [`${apiVersion} ${gvk.kind}`, [...verbs].sort().join(' ')];
    }
    const categories = Object.keys(tables.categories).filter((c) =>
      tables.categories[c].includes(groupResource),
    );
    return {
      group: r.group,
      version: r.version,
      kind: r.kind,
      plural: r.plural,
      namespaced: r.namespaced,
      type: alias(type),
      verbs: verbs === everyVerb ? '*' : verbs,
      ...(tables.shortNames[groupResource] ? { shortNames: tables.shortNames[groupResource] } : {}),
      ...(categories.length > 0 ? { categories: categories.join(' ') } : {}),
      ...(Object.keys(subresources).length > 0 ? { subresources } : {}),
    };
  });
}

/** Kinds that are only bodies: of subresources, of options, of outcomes. */
const bodyKinds = {
  'v1 Status': 'meta.v1.Status',
  'v1 APIVersions': 'meta.v1.APIVersions',
  'v1 APIGroup': 'meta.v1.APIGroup',
  'v1 APIGroupList': 'meta.v1.APIGroupList',
  'v1 APIResourceList': 'meta.v1.APIResourceList',
  'v1 DeleteOptions': 'meta.v1.DeleteOptions',
  'autoscaling/v1 Scale': 'autoscaling.v1.Scale',
  'authentication.k8s.io/v1 TokenRequest': 'authentication.v1.TokenRequest',
  'policy/v1 Eviction': 'policy.v1.Eviction',
};

const enumOfField = new Map();
tables.enums.forEach(([, fields], i) => {
  for (const field of fields) enumOfField.set(field, i);
});
const usedEnums = new Set();

/** The protobuf fields of a type by JSON name, and the embedded messages that JSON flattens. */
function protobufFields(name, schemas) {
  const fields = new Map();
  const inline = new Map();
  const own = tables.protobufNumbers[aliasOfPackage(splitName(name)[0])]?.[splitName(name)[1]];
  if (own !== undefined) {
    for (const entry of own === '' ? [] : own.split(', ')) {
      const [number, field] = entry.split(' ');
      fields.set(field, Number(number));
    }
    return { fields, inline };
  }
  const message = protobuf[protoName(name)];
  if (!message) fail(`no protobuf message for ${name}`);
  const spelling = new Map(Object.keys(schemas).map((n) => [n.toLowerCase(), n]));
  for (const [field, [number, type]] of Object.entries(message)) {
    const jsonName = spelling.get(field.toLowerCase());
    const pkg = splitName(protoName(name))[0];
    const full = type.startsWith('.') ? type.slice(1) : type.includes('.') ? type : `${pkg}.${type}`;
    if (jsonName !== undefined) {
      // A list wrapped in a message of its own occurs in discovery answers only, which nobody sends.
      if (!(protobuf[full]?.items && schemas[jsonName].type === 'array')) fields.set(jsonName, number);
    } else {
      if (!protobuf[full]) fail(`${name}.${field} is in protobuf only`);
      inline.set(field, [number, swaggerName(full)]);
    }
  }
  return { fields, inline };
}

const scalarTypes = {
  string: 'string',
  'string date-time': 'string',
  'string byte': 'bytes',
  'integer int32': 'int32',
  'integer int64': 'int64',
  'number double': 'double',
  boolean: 'bool',
  object: 'object',
};

const types = new Map();
const pending = [];

/** The type expression of a schema, such as `[]core.v1.Container`, and remembers what it refers to. */
function typeExpression(schema, where) {
  const ref = refOf(schema);
  if (ref) {
    pending.push(ref);
    return alias(ref);
  }
  if (schema.type === 'array') return `[]${typeExpression(schema.items, where)}`;
  if (schema.additionalProperties) return `{}${typeExpression(schema.additionalProperties, where)}`;
  return (
    scalarTypes[`${schema.type} ${schema.format ?? ''}`.trim()] ?? fail(`${where}: ${JSON.stringify(schema)}`)
  );
}

/** Stops when the swagger and the structured-merge schema disagree on how a field merges. */
function checkAgainstMergeSchema(name, field, schema) {
  const type = mergeTypes.get(name)?.map?.fields?.find((f) => f.name === field)?.type;
  if (!type) return;
  const where = `${name}.${field}`;
  if (type.list) {
    const listType = schema['x-kubernetes-list-type'] ?? 'atomic';
    const keys = schema['x-kubernetes-list-map-keys'] ?? [];
    const expected = type.list.elementRelationship === 'atomic' ? 'atomic' : type.list.keys ? 'map' : 'set';
    if (listType !== expected) fail(`${where}: list type ${listType}, merge schema says ${expected}`);
    if (keys.join() !== (type.list.keys ?? []).join()) fail(`${where}: keys differ`);
  } else if (type.map) {
    const atomic = schema['x-kubernetes-map-type'] === 'atomic';
    if (atomic !== (type.map.elementRelationship === 'atomic')) fail(`${where}: map type differs`);
  }
}

function defaultOf(name, field, schema) {
  const [pkg, type] = splitName(name);
  const own = tables.defaults[aliasOfPackage(pkg)]?.[type];
  if (own && Object.hasOwn(own, field)) return own[field];
  const given = mergeTypes.get(name)?.map?.fields?.find((f) => f.name === field)?.default;
  if (given === undefined || given === '' || given === 0 || given === false) return undefined;
  if (typeof given === 'object') {
    // `{}` stands for a Go struct that is always there; of a leaf type it is only its zero.
    const ref = refOf(schema);
    return ref && !leafTypes.has(alias(ref)) ? {} : undefined;
  }
  fail(`${name}.${field}: the default ${given} is missing from facts-tables.mjs`);
}

/** Stops when JSON and protobuf disagree on what a field holds. */
function checkAgainstProtobuf(name, field, expression) {
  const message = protobuf[protoName(name)];
  const given = Object.entries(message ?? {}).find(([f]) => f.toLowerCase() === field.toLowerCase())?.[1];
  if (!given) return;
  const [, type, label] = given;
  const bare = (text) => text.replace(/[\w.]*\.(\w+)/g, '$1');
  const expected = expression.startsWith('{}')
    ? `map<string, ${expression.slice(2)}>`
    : expression.replace(/^\[\]/, '');
  const wrapped = type === 'map<string, ExtraValue>' && expression === '{}[]string';
  if (!wrapped && (bare(expected) !== bare(type) || expression.startsWith('[]') !== (label === 'repeated'))) {
    fail(`${name}.${field}: ${expression} in JSON, ${given} in protobuf`);
  }
}

function fieldExpression(name, field, schema, number, required) {
  const [pkg, type] = splitName(name);
  const parts = [];
  const expression = typeExpression(schema, `${name}.${field}`);
  if (number !== undefined) checkAgainstProtobuf(name, field, expression);
  if (number !== undefined) parts.push(String(number));
  parts.push(expression);
  if (required) parts.push('!');
  const explicit = tables.explicitZero[aliasOfPackage(pkg)]?.[type]?.split(' ') ?? [];
  if (explicit.includes(field)) parts.push('?');
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType) parts.push(`list=${listType}${keys ? `:${keys.join(',')}` : ''}`);
  if (schema['x-kubernetes-map-type']) parts.push(`map=${schema['x-kubernetes-map-type']}`);
  if (schema['x-kubernetes-patch-merge-key']) parts.push(`key=${schema['x-kubernetes-patch-merge-key']}`);
  if (schema['x-kubernetes-patch-strategy']) parts.push(`patch=${schema['x-kubernetes-patch-strategy']}`);
  if (schema.format === 'date-time') fail(`${name}.${field}: an inline time`);
  const enumIndex = enumOfField.get(`${alias(name)}.${field}`);
  if (enumIndex !== undefined) {
    usedEnums.add(`${alias(name)}.${field}`);
    parts.push(`enum=${enumIndex}`);
  }
  const value = defaultOf(name, field, schema);
  if (value !== undefined) parts.push(`default=${JSON.stringify(value)}`);
  return parts.join(' ');
}

function addType(name) {
  if (types.has(name)) return;
  notePackage(splitName(name)[0]);
  const definition = swagger.definitions[name];
  if (!definition) fail(`no definition of ${name}`);
  if (leafTypes.has(alias(name))) {
    types.set(name, null);
    return;
  }
  const entry = {};
  types.set(name, entry);
  if (definition['x-kubernetes-map-type']) entry[''] = `map=${definition['x-kubernetes-map-type']}`;
  const properties = definition.properties ?? {};
  const required = new Set(definition.required ?? []);
  const { fields, inline } = protobufFields(name, properties);
  for (const field of Object.keys(properties).sort(compare)) {
    checkAgainstMergeSchema(name, field, properties[field]);
    entry[field] = fieldExpression(name, field, properties[field], fields.get(field), required.has(field));
  }
  for (const [field, [number, message]] of inline) {
    entry[`~${field}`] = `${number} ${alias(message)}`;
    addInlineMessage(message, name);
  }
}

/** A message that exists in protobuf only: its fields are those of the type that embeds it. */
function addInlineMessage(name, embeddedIn) {
  if (types.has(name)) return;
  if (swagger.definitions[name]) {
    addType(name);
    return;
  }
  notePackage(splitName(name)[0]);
  const entry = {};
  types.set(name, entry);
  const host = swagger.definitions[embeddedIn];
  const { fields, inline } = protobufFields(name, host.properties);
  const required = new Set(host.required ?? []);
  for (const field of [...fields.keys()].sort(compare)) {
    entry[field] = fieldExpression(
      embeddedIn,
      field,
      host.properties[field],
      fields.get(field),
      required.has(field),
    );
  }
  for (const [field, [number, message]] of inline) {
    entry[`~${field}`] = `${number} ${alias(message)}`;
    addInlineMessage(message, embeddedIn);
  }
}

const resources = readResources();
const fullName = (short) => {
  const [pkg, type] = splitName(short);
  return `${packages.get(pkg) ?? fail(`unknown package ${pkg}`)}.${type}`;
};
for (const name of Object.keys(swagger.definitions)) {
  const pkg = splitName(name)[0];
  if (!/(alpha|beta)\d/.test(pkg)) notePackage(pkg);
}
for (const r of resources) pending.push(fullName(r.type));
for (const type of Object.values(bodyKinds)) pending.push(fullName(type));
pending.push(fullName('meta.v1.ListMeta'));
while (pending.length > 0) addType(pending.pop());

for (const field of enumOfField.keys()) if (!usedEnums.has(field)) fail(`no field ${field} takes an enum`);
for (const table of [tables.defaults, tables.explicitZero, tables.protobufNumbers]) {
  for (const [pkg, entries] of Object.entries(table)) {
    for (const [type, value] of Object.entries(entries)) {
      const entry = types.get(fullName(`${pkg}.${type}`));
      if (!entry) fail(`facts-tables.mjs names the unused type ${pkg}.${type}`);
      const named =
        typeof value !== 'string'
          ? Object.keys(value)
          : value.split(/, | /).filter((w) => w && !/^\d+$/.test(w));
      for (const field of named) {
        if (entry[field] === undefined && field !== '')
          fail(`facts-tables.mjs names ${pkg}.${type}.${field}`);
      }
    }
  }
}

function factsJson() {
  const byPackage = new Map();
  for (const name of [...types.keys()].sort(compare)) {
    if (types.get(name) === null) continue;
    const [pkg, type] = splitName(name);
    const short = aliasOfPackage(pkg);
    if (!byPackage.has(short)) byPackage.set(short, []);
    byPackage.get(short).push([type, types.get(name)]);
  }
  const usedPackages = new Set([...types.keys()].map((name) => aliasOfPackage(splitName(name)[0])));
  const line = (key, value) => `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  const out = ['{'];
  out.push('"kubernetes":"1.32",');
  out.push('"packages":{');
  out.push(
    [...packages]
      .filter(([short]) => usedPackages.has(short))
      .sort(([a], [b]) => compare(a, b))
      .map(([short, full]) => line(short, full))
      .join(',\n'),
  );
  out.push('},');
  out.push('"enums":[', tables.enums.map(([values]) => JSON.stringify(values)).join(',\n'), '],');
  out.push('"types":{');
  out.push(
    [...byPackage]
      .map(
        ([pkg, entries]) => `${JSON.stringify(pkg)}:{\n${entries.map(([t, e]) => line(t, e)).join(',\n')}\n}`,
      )
      .join(',\n'),
  );
  out.push('},');
  out.push('"groups":[', tables.groups.map((g) => JSON.stringify(g)).join(',\n'), '],');
  out.push('"resources":[', resources.map((r) => JSON.stringify(r)).join(',\n'), '],');
  out.push(
    '"bodies":{',
    Object.entries(bodyKinds)
      .map(([k, t]) => line(k, t))
      .join(',\n'),
    '}',
  );
  out.push('}');
  return `${out.join('\n')}\n`;
}

mkdirSync(join(root, 'src/api/facts'), { recursive: true });
writeFileSync(join(root, 'src/api/facts/facts.json'), factsJson());

const banner = (what) =>
  `/**\n * ${what}\n *\n * Generated by scripts/generate-facts.mjs: change the script, not this file.\n */\n`;

/** Types written by hand in src/api: the generated files import them. */
const handWritten = {
  'meta.v1.Condition': ['Condition', '../../objects.js'],
  'meta.v1.ListMeta': ['ListMeta', '../../objects.js'],
  'meta.v1.ManagedFieldsEntry': ['ManagedFieldsEntry', '../../objects.js'],
  'meta.v1.MicroTime': ['MicroTime', '../../objects.js'],
  'meta.v1.ObjectMeta': ['PartialObjectMeta', '../../objects.js'],
  'meta.v1.OwnerReference': ['OwnerReference', '../../objects.js'],
  'meta.v1.Status': ['Status', '../../status.js'],
  'meta.v1.StatusCause': ['StatusCause', '../../status.js'],
  'meta.v1.StatusDetails': ['StatusDetails', '../../status.js'],
  'meta.v1.Time': ['Time', '../../objects.js'],
  'meta.v1.FieldsV1': ['JsonObject', '../../objects.js'],
  'pkg.runtime.RawExtension': ['JsonObject', '../../objects.js'],
  'apiextensions.v1.JSON': ['JsonValue', '../../objects.js'],
};
const ownAliases = {
  'api.resource.Quantity': ['Quantity', 'meta.v1'],
  'util.intstr.IntOrString': ['IntOrString', 'meta.v1'],
};
const unions = {
  JSONSchemaPropsOrArray: 'JSONSchemaProps | readonly JSONSchemaProps[]',
  JSONSchemaPropsOrBool: 'JSONSchemaProps | boolean',
  JSONSchemaPropsOrStringArray: 'JSONSchemaProps | readonly string[]',
};

const fileOf = (pkg) => pkg.split('.').join('/');
const resourceOfType = new Map(resources.map((r) => [r.type, r]));
const bodyOfType = new Map(Object.entries(bodyKinds).map(([k, t]) => [t, k]));

function kindsFile(pkg, names) {
  const imports = new Map();
  const importType = (symbol, from) => {
    if (!imports.has(from)) imports.set(from, new Set());
    imports.get(from).add(symbol);
    return symbol;
  };
  const typeText = (expression, enumIndex) => {
    if (expression.startsWith('[]')) {
      const element = typeText(expression.slice(2), enumIndex);
      return `readonly ${/[|&' ]/.test(element) ? `(${element})` : element}[]`;
    }
    if (expression.startsWith('{}')) {
      return `Readonly<Record<string, ${typeText(expression.slice(2))}>>`;
    }
    if (enumIndex !== undefined) {
      return tables.enums[enumIndex][0].map((v) => `'${v}'`).join(' | ');
    }
    switch (expression) {
      case 'string':
      case 'bytes':
        return 'string';
      case 'int32':
      case 'int64':
      case 'double':
        return 'number';
      case 'bool':
        return 'boolean';
      case 'object':
        return importType('JsonObject', '../../objects.js');
      default:
    }
    const hand = handWritten[expression];
    if (hand) return importType(...hand);
    const [refPkg, type] = splitName(expression);
    const [symbol, home] = ownAliases[expression] ?? [type, refPkg];
    if (resourceOfType.has(expression)) {
      // An object inside another is a template: it has no identity of its own yet.
      if (home !== pkg) importType(symbol, `../${fileOf(home)}.js`);
      return `${importType('Input', '../../objects.js')}<${symbol}>`;
    }
    if (home === pkg) return symbol;
    return importType(symbol, `../${fileOf(home)}.js`);
  };
  const fieldsOf = (entry, overrides = {}) => {
    const lines = [];
    for (const [field, text] of Object.entries(entry)) {
      if (field === '' || field.startsWith('~')) continue;
      const key = /^[A-Za-z_$][\w$]*$/.test(field) ? field : `'${field}'`;
      if (overrides[field] === null) continue;
      if (overrides[field]) {
        lines.push(`  readonly ${key}${overrides[field]};`);
        continue;
      }
      const parts = text.split(' ');
      const expression = /^\d+$/.test(parts[0]) ? parts[1] : parts[0];
      const enumIndex = parts.find((p) => p.startsWith('enum='))?.slice(5);
      const optional = parts.includes('!') ? '' : '?';
      lines.push(`  readonly ${key}${optional}: ${typeText(expression, enumIndex && Number(enumIndex))};`);
    }
    return lines;
  };

  const blocks = [];
  for (const name of names) {
    const short = alias(name);
    const [, type] = splitName(name);
    if (handWritten[short] || ownAliases[short]) continue;
    const entry = types.get(name);
    if (entry === null) {
      blocks.push(`export type ${type} = ${unions[type] ?? fail(`no TypeScript type for ${name}`)};`);
      continue;
    }
    const resource = resourceOfType.get(short);
    const body = bodyOfType.get(short);
    if (!resource && !body) {
      const lines = fieldsOf(entry);
      blocks.push(
        lines.length === 0
          ? `export type ${type} = Readonly<Record<string, never>>;`
          : `export interface ${type} {\n${lines.join('\n')}\n}`,
      );
      continue;
    }
    const gv = resource
      ? resource.group === ''
        ? resource.version
        : `${resource.group}/${resource.version}`
      : body.split(' ')[0];
    const overrides = { apiVersion: `: '${gv}'`, kind: `: '${type}'` };
    if (resource) {
      overrides.metadata = `: ${importType('ObjectMeta', '../../objects.js')}`;
      const specType = entry.spec?.split(' ').find((p) => /^[a-z].*\./.test(p));
      const spec = specType && types.get(fullName(specType));
      if (spec && Object.values(spec).some((f) => f.split(' ').includes('!'))) {
        overrides.spec = `: ${typeText(specType)}`;
      }
    } else if (short === 'meta.v1.DeleteOptions') {
      overrides.apiVersion = '?: string';
      overrides.kind = `?: '${type}'`;
    }
    const head = { apiVersion: '', kind: '', ...('metadata' in entry ? { metadata: entry.metadata } : {}) };
    const lines = fieldsOf({ ...head, ...entry }, overrides);
    blocks.push(
      `/** \`${gv}\` ${type}${
        resource
          ? `: ${resource.namespaced ? 'namespaced' : 'cluster-scoped'}, \`${resource.plural}\``
          : ': a body, not a resource of its own'
      }. */\nexport interface ${type} {\n${lines.join('\n')}\n}`,
    );
    if (resource) {
      const scope = resource.namespaced ? 'Namespaced' : 'Cluster';
      blocks.push(
        `export const ${type}: Kind<${type}, '${scope}'> = kind({\n  group: '${resource.group}',\n  version: '${resource.version}',\n  kind: '${type}',\n  plural: '${resource.plural}',\n  scope: '${scope}',\n});`,
      );
    }
  }
  const isKindFile = names.some((n) => resourceOfType.has(alias(n)));
  const head = [];
  if (isKindFile) head.push(`import { type Kind, kind } from '../../kind.js';`);
  for (const from of [...imports.keys()].sort(compare)) {
    head.push(`import type { ${[...imports.get(from)].sort(compare).join(', ')} } from '${from}';`);
  }
  const what = isKindFile
    ? `The kinds of \`${groupVersionOf(pkg)}\`: a value and a type each, with the types they are made of.`
    : 'What objects of every group share.';
  return `${banner(what)}${head.join('\n')}\n\n${pkg === 'meta.v1' ? metaAliases : ''}${blocks.join('\n\n')}\n`;
}

const metaAliases = `export type {
  Condition,
  ListMeta,
  ManagedFieldsEntry,
  MicroTime,
  ObjectMeta,
  OwnerReference,
  PartialObjectMeta,
  Time,
} from '../../objects.js';
export type { Status, StatusCause, StatusDetails } from '../../status.js';

/** An amount with an optional suffix: \`'500m'\`, \`'1.5Gi'\`, \`'3'\`. */
export type Quantity = string;
/** A number, or a string: a percentage or the name of a port. */
export type IntOrString = number | string;

`;

function groupVersionOf(pkg) {
  const resource = resources.find((r) => splitName(r.type)[0] === pkg);
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

const kindsDir = join(root, 'src/api/kinds');
rmSync(kindsDir, { recursive: true, force: true });
const namesByPackage = new Map();
const inlineOnly = (name) => !swagger.definitions[name];
for (const name of [...types.keys()].sort(compare)) {
  if (inlineOnly(name)) continue;
  const short = aliasOfPackage(splitName(name)[0]);
  if (!namesByPackage.has(short)) namesByPackage.set(short, []);
  namesByPackage.get(short).push(name);
}
for (const [pkg, names] of namesByPackage) {
  if (pkg === 'pkg.runtime' || pkg === 'util.intstr' || pkg === 'api.resource') continue;
  const path = join(kindsDir, `${fileOf(pkg)}.ts`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, kindsFile(pkg, names));
}

const indexed = new Map();
const clashes = [];
for (const [group, [preferred]] of tables.groups) {
  for (const r of resources) {
    if (r.group !== group) continue;
    const elsewhere = resources.find(
      (o) => o.group === group && o.kind === r.kind && o.version === preferred,
    );
    if (r.version !== preferred && elsewhere) continue;
    if (indexed.has(r.kind))
      clashes.push(`${r.kind} is that of \`${groupVersionOf(splitName(indexed.get(r.kind).type)[0])}\``);
    else indexed.set(r.kind, r);
  }
}
const exportsByFile = new Map();
for (const r of indexed.values()) {
  const file = `./${fileOf(splitName(r.type)[0])}.js`;
  exportsByFile.set(file, [...(exportsByFile.get(file) ?? []), r.kind]);
}
writeFileSync(
  join(kindsDir, 'index.ts'),
  `${banner(
    `The preferred version of every built-in kind, each a value and a type: \`client.get(Deployment, 'default/web')\`.\n * The types they are made of, and other versions, are in \`gyre/kinds/<group>/<version>\`${
      clashes.length > 0 ? `; where two groups\n * share a name, the first wins: ${clashes.join(', ')}` : ''
    }.`,
  )}${[...exportsByFile]
    .sort(([a], [b]) => compare(a, b))
    .map(([file, names]) => `export { ${names.sort(compare).join(', ')} } from '${file}';`)
    .join('\n')}\n`,
);
execFileSync(join(root, 'tools/node_modules/.bin/biome'), ['format', '--write', 'src/api/kinds'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
