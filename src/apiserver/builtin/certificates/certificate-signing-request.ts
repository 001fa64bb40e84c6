/**
 * CertificateSigningRequests (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/): who
 * asks is what the server knows; what is asked for never changes; approving, denying and signing are writes through doors
 * of their own, each for its fields alone.
 */
import {
  deepEqualJson,
  FieldPath,
  fieldError,
  type JsonObject,
  type JsonValue,
  pathSegmentName,
  type StatusCause,
} from '../../../api/index.js';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../../../api/kinds/certificates/v1.js';
import { oneOf, required } from '../checks.js';
import { type Fillable, fillable, type Given, given } from '../given.js';
import type { KindStrategy, Written } from '../strategy.js';

const spec = FieldPath.of('spec');
const conditionsAt = FieldPath.of('status', 'conditions');
const minSeconds = 600;

const usages = [
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
];

/** Said by who decides, through `approval`; the others by who signs, through `status`. */
const decisions = ['Approved', 'Denied'];

type Condition = Given<CertificateSigningRequestCondition>;

function conditionsOf(object: JsonObject): readonly Condition[] {
  return given<CertificateSigningRequest>(object).status?.conditions ?? [];
}

function pemIn(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('latin1');
}

function validate(object: JsonObject): StatusCause[] {
  const { spec: asked = {} } = given<CertificateSigningRequest>(object);
  const causes: StatusCause[] = [];
  if (
    !/^-----BEGIN CERTIFICATE REQUEST-----\r?\n[\s\S]+-----END CERTIFICATE REQUEST-----/m.test(
      pemIn(asked.request),
    )
  )
    causes.push(
      fieldError.invalid(
        spec.child('request'),
        asked.request ?? '',
        'PEM block type must be CERTIFICATE REQUEST',
      ),
    );
  if (!asked.usages?.length) causes.push(fieldError.required(spec.child('usages')));
  for (const [i, usage] of (asked.usages ?? []).entries())
    causes.push(...oneOf(spec.child('usages').index(i), usage, usages));
  causes.push(...required(spec.child('signerName'), asked.signerName));
  if (
    asked.signerName &&
    !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\.[a-z0-9]([-a-z0-9]*[a-z0-9])?\/\S+$/.test(asked.signerName)
  )
    causes.push(
      fieldError.invalid(
        spec.child('signerName'),
        asked.signerName,
        'must be a fully qualified domain and path of the form "example.com/signer-name"',
      ),
    );
  if (asked.expirationSeconds !== undefined && asked.expirationSeconds < minSeconds)
    causes.push(
      fieldError.invalid(
        spec.child('expirationSeconds'),
        asked.expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  return causes;
}

function validateConditions(object: JsonObject): StatusCause[] {
  const conditions = conditionsOf(object);
  const causes = conditions.flatMap(({ type, status }, i) => {
    const at = conditionsAt.index(i);
    const found = required(at.child('type'), type);
    if (!status) return [...found, fieldError.required(at.child('status'))];
    const known = [...decisions, 'Failed'].includes(type ?? '');
    return [...found, ...oneOf(at.child('status'), status, known ? ['True'] : ['True', 'False', 'Unknown'])];
  });
  const both = decisions.every((decision) => conditions.some(({ type }) => type === decision));
  if (both)
    causes.push(
      fieldError.invalid(conditionsAt, 'Approved', 'Approved and Denied conditions are mutually exclusive'),
    );
  return causes;
}

/** Which conditions of a type there are, whatever their times. */
function told(conditions: readonly Condition[], type: string): JsonValue {
  return conditions
    .filter((each) => each.type === type)
    .map(({ status = '', reason = '', message = '' }) => ({ status, reason, message }));
}

function validateStatusUpdate(object: JsonObject, old: JsonObject, subresource: string): StatusCause[] {
  const [now, before] = [conditionsOf(object), conditionsOf(old)];
  const causes = validateConditions(object);
  const fixed = subresource === 'approval' ? ['Failed'] : decisions;
  for (const type of fixed)
    if (!deepEqualJson(told(now, type), told(before, type)))
      causes.push(
        fieldError.forbidden(
          conditionsAt,
          `updates may not ${before.some((c) => c.type === type) ? 'remove or change' : 'add'} a condition of type ${JSON.stringify(type)}`,
        ),
      );
  for (const type of [...decisions, 'Failed'])
    if (!fixed.includes(type) && before.some((c) => c.type === type) && !now.some((c) => c.type === type))
      causes.push(
        fieldError.forbidden(
          conditionsAt,
          `updates may not remove a condition of type ${JSON.stringify(type)}`,
        ),
      );
  return [...causes, ...validateCertificate(object, old)];
}

function validateCertificate(object: JsonObject, old: JsonObject): StatusCause[] {
  const at = FieldPath.of('status', 'certificate');
  const now = given<CertificateSigningRequest>(object).status?.certificate;
  const before = given<CertificateSigningRequest>(old).status?.certificate;
  if (now === before) return [];
  if (before) return [fieldError.forbidden(at, 'updates may not change a certificate that was issued')];
  const hidden = '<certificate data>';
  const blocks = pemIn(now).match(/-----BEGIN ([^-]+)-----[\s\S]+?-----END \1-----/g) ?? [];
  if (blocks.length === 0)
    return [fieldError.invalid(at, hidden, 'must contain at least one CERTIFICATE PEM block')];
  if (blocks.some((block) => !block.startsWith('-----BEGIN CERTIFICATE-----')))
    return [fieldError.invalid(at, hidden, 'only CERTIFICATE PEM blocks are allowed')];
  return [];
}

/** A condition is as old as the last change of its status; when it was written last, it says itself or is now. */
function dateConditions(object: Fillable<CertificateSigningRequest>, old: JsonObject, now: string): void {
  const before = conditionsOf(old);
  for (const condition of object.status?.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    condition.lastTransitionTime ??= same?.lastTransitionTime ?? now;
  }
}

function prepareForStatusUpdate(object: { [key: string]: unknown }, old: JsonObject, written: Written): void {
  object.status = structuredClone(object.status ?? {});
  const request = fillable<CertificateSigningRequest>(object);
  dateConditions(request, old, written.now);
  if (written.subresource !== 'approval') return;
  // Who decides does not sign.
  const { certificate } = given<CertificateSigningRequest>(old).status ?? {};
  const { certificate: _, ...status } = request.status ?? {};
  object.status = { ...status, ...(certificate === undefined ? {} : { certificate }) };
}

export const certificateSigningRequestStrategy: KindStrategy = {
  group: 'certificates.k8s.io',
  kind: 'CertificateSigningRequest',
  nameRule: pathSegmentName,
  prepareForCreate(object, { user }) {
    const { uid: _, extra: __, ...asked } = (object.spec ?? {}) as JsonObject;
    object.spec = {
      ...asked,
      username: user.username,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: [...(user.groups ?? [])],
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    };
  },
  prepareForUpdate(object, old) {
    // What was asked for, and by whom, is never changed.
    object.spec = structuredClone(old.spec);
  },
  prepareForStatusUpdate,
  validate,
  validateStatusUpdate,
  selectableFields: (object) => ({
    'spec.signerName': given<CertificateSigningRequest>(object).spec?.signerName ?? '',
  }),
};
