/** Webhook configurations and answers, as tests write them. */
import type { JsonObject } from 'gyre/api';
import type { WebhookHandler } from 'gyre/apiserver';

export type WebhookKind = 'Mutating' | 'Validating';

export const configurationsUrl = (kind: WebhookKind): string =>
  `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`;

export function configuration(kind: WebhookKind, name: string, webhooks: readonly object[]): JsonObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks: webhooks as readonly JsonObject[],
  };
}

export const rule = (resource: string, ...operations: string[]) => ({
  operations: operations.length === 0 ? ['*'] : operations,
  apiGroups: ['*'],
  apiVersions: ['*'],
  resources: [resource],
});

/** Without namespaces, so that the tests' own name is its address. */
export const urlOf = (name: string): string => `https://${name}/review`;

export function webhook(name: string, rules: readonly object[], more: object = {}) {
  return {
    name,
    rules,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    clientConfig: { url: urlOf(name) },
    ...more,
  };
}

/** What an AdmissionReview asks. */
export interface ReviewRequest {
  readonly uid: string;
  readonly operation: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly subResource?: string;
  readonly kind: JsonObject;
  readonly resource: JsonObject;
  readonly requestKind: JsonObject;
  readonly requestResource: JsonObject;
  readonly userInfo: JsonObject;
  readonly dryRun: boolean;
  readonly options: JsonObject | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- the fields of whatever kind a test is about
  readonly object: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- likewise
  readonly oldObject: any;
}

export function answerTo(review: JsonObject, response: object): JsonObject {
  const { uid } = review.request as { uid: string };
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...response },
  };
}

export const patchOf = (...operations: object[]) => ({
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

/** A handler that answers what `decide` says: nothing is yes. */
export const handler =
  (decide: (request: ReviewRequest) => object | undefined): WebhookHandler =>
  (review) =>
    answerTo(review, decide(review.request as unknown as ReviewRequest) ?? {});
