/** Defaults and validation of CustomResourceDefinitions themselves (API-15). */
import {
  dns1035Label,
  dns1123Subdomain,
  fieldError,
  FieldPath,
  goValue,
  type JsonObject,
  type JsonValue,
  type Schema,
  type StatusCause,
  structuralErrors,
} from '../../api/index.js';
import type { KindStrategy } from '../builtin/index.js';
import {
  applyClientConfigDefaults,
  validateClientConfig,
  validateReviewVersions,
} from '../webhooks/client-config.js';
import { selectableFieldErrors } from './selectable-fields.js';
import { ruleErrors } from './rule-validation.js';
import { type Crd, type CrdConversionFields, crdGroup, type CrdVersion } from './definition.js';

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
  if (!crd.spec) return;
  const conversion = (crd.spec.conversion ??= { strategy: 'None' }) as {
    webhook?: { clientConfig?: Parameters<typeof applyClientConfigDefaults>[0] };
  };
  applyClientConfigDefaults(conversion.webhook?.clientConfig);
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
  causes.push(...validateConversion(crd.spec.conversion), ...storedVersionCauses(crd));
  return causes;
}

/** The paths are those of Kubernetes' internal type, as its messages have them. */
function validateConversion(conversion: CrdConversionFields | undefined): StatusCause[] {
  if (!conversion) return [];
  const at = spec.child('conversion');
  const { strategy, webhook } = conversion;
  const client = at.child('webhookClientConfig');
  const versions = at.child('conversionReviewVersions');
  if (!strategy) return [fieldError.required(at.child('strategy'))];
  if (strategy === 'Webhook') {
    const reviewVersions = webhook?.conversionReviewVersions ?? [];
    return [
      ...(webhook?.clientConfig
        ? validateClientConfig(client, webhook.clientConfig)
        : [fieldError.required(client, 'required when strategy is set to Webhook')]),
      ...(reviewVersions.length === 0
        ? [fieldError.required(versions)]
        : validateReviewVersions(versions, reviewVersions, dns1035Label)),
    ];
  }
  if (strategy !== 'None')
    return [fieldError.notSupported(at.child('strategy'), strategy, ['None', 'Webhook'])];
  const misplaced = 'should not be set when strategy is not set to Webhook';
  return [
    ...(webhook?.clientConfig ? [fieldError.forbidden(client, misplaced)] : []),
    ...(webhook?.conversionReviewVersions?.length ? [fieldError.forbidden(versions, misplaced)] : []),
  ];
}

/** Objects may be stored at every version that status.storedVersions names, so all of them must be known. */
function storedVersionCauses({ spec: { versions = [] }, status }: Crd): StatusCause[] {
  const at = FieldPath.of('status', 'storedVersions');
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) return [fieldError.invalid(at, stored, 'must have at least one stored version')];
  return [
    ...versions
      .filter((v) => v.storage && !stored.includes(v.name))
      .map((v) => fieldError.invalid(at, stored, `must have the storage version ${v.name}`)),
    ...stored.flatMap((name, i) =>
      versions.some((v) => v.name === name)
        ? []
        : [fieldError.invalid(at.index(i), name, 'must appear in spec.versions')],
    ),
  ];
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
  const names = new Set<string>();
  versions.forEach((version, i) => {
    const here = at.index(i);
    for (const why of dns1035Label(version.name ?? ''))
      causes.push(fieldError.invalid(here.child('name'), version.name, why));
    names.add(version.name);
    causes.push(...deprecationCauses(version, here.child('deprecationWarning')));
    const schema: Schema | undefined = version.schema?.openAPIV3Schema;
    const schemaPath = here.child('schema').child('openAPIV3Schema');
    if (!schema) causes.push(fieldError.required(schemaPath, 'schemas are required'));
    else {
      causes.push(
        ...schemaErrors(schema, schemaPath),
        ...selectableFieldErrors(version.selectableFields, schema, here.child('selectableFields')),
      );
    }
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
  if (names.size < versions.length) {
    causes.push(
      fieldError.invalid(at, goValue(versions as unknown as JsonValue), 'must contain unique version names'),
    );
  }
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

/** Only a schema that is structural can have rules. */
function schemaErrors(schema: Schema, path: FieldPath): StatusCause[] {
  const causes = structuralErrors(schema, path);
  return causes.length > 0 ? causes : ruleErrors(schema, path);
}

function deprecationCauses(
  { deprecated, deprecationWarning: warning }: CrdVersion,
  at: FieldPath,
): StatusCause[] {
  if (warning === undefined) return [];
  const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u.exec(warning);
  const problems = [
    ...(deprecated ? [] : ['can only be set for deprecated versions']),
    ...(warning.length > 256 ? ['must be <= 256 characters long'] : []),
    ...(warning === '' ? ['must not be an empty string'] : []),
    ...(unprintable
      ? [
          `must only contain printable UTF-8 characters; non-printable character found at index ${unprintable.index}`,
        ]
      : []),
  ];
  return problems.map((why) => fieldError.invalid(at, warning, why));
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
  const { names: { kind } = {} } = now.spec as Partial<Crd['spec']>;
  if (kind !== before.spec.names.kind) {
    causes.push(fieldError.invalid(spec.child('names').child('kind'), kind, 'field is immutable'));
  }
  return causes;
}

/** A new storage version counts as stored at from this very write on. */
function prepareForUpdate(object: { [key: string]: unknown }): void {
  const { spec: { versions = [] } = {}, status } = object as unknown as {
    spec?: Crd['spec'];
    status?: Crd['status'];
  };
  const storage = (versions as readonly CrdVersion[]).find((v) => v.storage)?.name;
  const stored = status?.storedVersions ?? [];
  if (storage === undefined || stored.includes(storage)) return;
  object.status = { ...status, storedVersions: [...stored, storage] };
}

export const crdStrategy: KindStrategy = {
  group: crdGroup,
  kind: 'CustomResourceDefinition',
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  applyDefaults: applyCrdDefaults,
  prepareForCreate,
  prepareForUpdate,
  validate,
  validateUpdate,
};
