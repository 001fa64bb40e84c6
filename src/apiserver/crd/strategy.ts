/** Defaults and validation of CustomResourceDefinitions themselves (API-15). */
import {
  dns1035Label,
  dns1123Subdomain,
  fieldError,
  FieldPath,
  type JsonObject,
  type Schema,
  type StatusCause,
  structuralErrors,
} from '../../api/index.js';
import type { KindStrategy } from '../builtin/index.js';
import { type Crd, crdGroup, type CrdVersion } from './definition.js';

type MutableCrd = {
  spec?: { names?: Record<string, unknown>; conversion?: unknown; scope?: unknown };
  status?: unknown;
};

const spec = FieldPath.of('spec');

function applyCrdDefaults(object: { [key: string]: unknown }): void {
  const crd = object as MutableCrd;
  const names = crd.spec?.names;
  if (names && typeof names.kind === 'string') {
    names.singular ??= names.kind.toLowerCase();
    names.listKind ??= `${names.kind}List`;
  }
  if (crd.spec) crd.spec.conversion ??= { strategy: 'None' };
}

function prepareForCreate(object: { [key: string]: unknown }): void {
  const crd = object as unknown as Crd;
  object.status = {
    conditions: [],
    acceptedNames: { plural: '', kind: '' },
    storedVersions: (crd.spec?.versions ?? []).filter((v) => v.storage).map((v) => v.name),
  };
}

function validate(object: JsonObject): StatusCause[] {
  const crd = { spec: {}, ...object } as unknown as Crd;
  const causes: StatusCause[] = [];
  const { group = '', scope, names, versions } = crd.spec;
  const expected = `${names?.plural ?? ''}.${group}`;
  if (crd.metadata.name !== expected) {
    causes.push(
      fieldError.invalid(
        FieldPath.of('metadata', 'name'),
        crd.metadata.name,
        `must be spec.names.plural+"."+spec.group`,
      ),
    );
  }
  if (group === '') causes.push(fieldError.required(spec.child('group')));
  else {
    for (const why of dns1123Subdomain(group))
      causes.push(fieldError.invalid(spec.child('group'), group, why));
    if (!group.includes('.'))
      causes.push(fieldError.invalid(spec.child('group'), group, 'should be a domain with at least one dot'));
    if (/(^|\.)(k8s|kubernetes)\.io$/.test(group)) causes.push(...protectedGroup(crd));
  }
  if (scope === undefined) causes.push(fieldError.required(spec.child('scope')));
  else if (!['Cluster', 'Namespaced'].includes(scope)) {
    causes.push(fieldError.notSupported(spec.child('scope'), scope, ['Cluster', 'Namespaced']));
  }
  causes.push(...validateNames(crd), ...validateVersions(versions ?? []));
  const conversion = (crd.spec as { conversion?: { strategy?: string } }).conversion?.strategy;
  if (conversion !== undefined && conversion !== 'None') {
    // Webhook conversion needs a dialer this server does not have; better refused than silently wrong.
    causes.push(fieldError.notSupported(spec.child('conversion').child('strategy'), conversion, ['None']));
  }
  return causes;
}

function protectedGroup(crd: Crd): StatusCause[] {
  const annotations = (crd.metadata as { annotations?: Record<string, string> }).annotations;
  if (annotations?.['api-approved.kubernetes.io']) return [];
  return [
    fieldError.required(
      FieldPath.of('metadata', 'annotations').key('api-approved.kubernetes.io'),
      'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ),
  ];
}

function validateNames({ spec: { names } }: Crd): StatusCause[] {
  const at = spec.child('names');
  const causes: StatusCause[] = [];
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const value = names?.[field] ?? '';
    if (value === '') causes.push(fieldError.required(at.child(field)));
    else {
      const label = field === 'kind' || field === 'listKind' ? value.toLowerCase() : value;
      for (const why of dns1035Label(label)) causes.push(fieldError.invalid(at.child(field), value, why));
    }
  }
  if (names?.kind && names.kind === names.listKind) {
    causes.push(
      fieldError.invalid(at.child('listKind'), names.listKind, 'kind and listKind may not be the same'),
    );
  }
  names?.shortNames?.forEach((name, i) => {
    for (const why of dns1035Label(name))
      causes.push(fieldError.invalid(at.child('shortNames').index(i), name, why));
  });
  return causes;
}

function validateVersions(versions: readonly CrdVersion[]): StatusCause[] {
  const at = spec.child('versions');
  if (versions.length === 0) return [fieldError.required(at, 'must have at least one version')];
  const causes: StatusCause[] = [];
  const seen = new Set<string>();
  versions.forEach((version, i) => {
    const here = at.index(i);
    for (const why of dns1035Label(version.name ?? ''))
      causes.push(fieldError.invalid(here.child('name'), version.name, why));
    if (seen.has(version.name)) causes.push(fieldError.duplicate(here.child('name'), version.name));
    seen.add(version.name);
    const schema: Schema | undefined = version.schema?.openAPIV3Schema;
    const schemaPath = here.child('schema').child('openAPIV3Schema');
    if (!schema) causes.push(fieldError.required(schemaPath, 'schemas are required'));
    else causes.push(...structuralErrors(schema, schemaPath));
    version.additionalPrinterColumns?.forEach((column, c) => {
      const columnPath = here.child('additionalPrinterColumns').index(c);
      if (!column.name) causes.push(fieldError.required(columnPath.child('name')));
      if (!['boolean', 'date', 'integer', 'number', 'string'].includes(column.type)) {
        causes.push(
          fieldError.invalid(
            columnPath.child('type'),
            column.type,
            'must be one of boolean,date,integer,number,string',
          ),
        );
      }
      if (!column.jsonPath) causes.push(fieldError.required(columnPath.child('jsonPath')));
    });
  });
  if (versions.filter((v) => v.storage).length !== 1) {
    causes.push(
      fieldError.invalid(
        at,
        versions.map((v) => v.name),
        'must have exactly one version marked as storage version',
      ),
    );
  }
  return causes;
}

function validateUpdate(object: JsonObject, old: JsonObject): StatusCause[] {
  const [now, before] = [{ spec: {}, ...object } as unknown as Crd, old as unknown as Crd];
  const causes: StatusCause[] = [];
  if (now.spec.group !== before.spec.group) {
    causes.push(fieldError.invalid(spec.child('group'), now.spec.group, 'field is immutable'));
  }
  const established = before.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True');
  if (!established) return causes;
  if (now.spec.scope !== before.spec.scope) {
    causes.push(fieldError.invalid(spec.child('scope'), now.spec.scope, 'field is immutable'));
  }
  // A spec may lack anything: validate says what.
  const { names: { kind } = {}, versions = [] } = now.spec as Partial<Crd['spec']>;
  if (kind !== before.spec.names.kind) {
    causes.push(fieldError.invalid(spec.child('names').child('kind'), kind, 'field is immutable'));
  }
  const names = versions.map((v) => v.name);
  before.status?.storedVersions?.forEach((stored, i) => {
    if (!names.includes(stored)) {
      causes.push(
        fieldError.invalid(
          FieldPath.of('status', 'storedVersions').index(i),
          stored,
          'missing from spec.versions; v1 objects may be stored at it',
        ),
      );
    }
  });
  return causes;
}

export const crdStrategy: KindStrategy = {
  group: crdGroup,
  kind: 'CustomResourceDefinition',
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  applyDefaults: applyCrdDefaults,
  prepareForCreate,
  validate,
  validateUpdate,
};
