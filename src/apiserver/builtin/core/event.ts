/** Events, in both of their API versions (OC-18, API-13). */
import { FieldPath, fieldError, type JsonObject, type StatusCause } from '../../../api/index.js';
import type { Event as CoreEvent } from '../../../api/kinds/core/v1.js';
import type { Event } from '../../../api/kinds/events/v1.js';
import { oneOf, required } from '../checks.js';
import { type Given, given } from '../given.js';
import type { KindStrategy } from '../strategy.js';

type AnyEvent = Given<CoreEvent> & Given<Event>;

function read(object: JsonObject): AnyEvent {
  return given<CoreEvent>(object) as AnyEvent;
}

function validate(object: JsonObject): StatusCause[] {
  const event = read(object);
  const core = event.regarding === undefined;
  const about = event.involvedObject ?? event.regarding ?? {};
  const namespace = event.metadata?.namespace ?? '';
  const at = FieldPath.of(core ? 'involvedObject' : 'regarding', 'namespace');
  const causes: StatusCause[] = [];
  const place = about.namespace ?? '';
  // What a cluster-scoped object lives through is told in the default namespace.
  const matches = place === '' ? ['', 'default', 'kube-system'].includes(namespace) : place === namespace;
  if (!matches) causes.push(fieldError.invalid(at, place, 'does not match event.namespace'));
  if (event.eventTime === undefined) return causes;
  // Only the newer recorders set eventTime, and they say who they are.
  const controller = core ? event.reportingComponent : event.reportingController;
  return [
    ...causes,
    ...required(FieldPath.of('reportingController'), controller),
    ...required(FieldPath.of('reportingInstance'), event.reportingInstance),
    ...required(FieldPath.of('action'), event.action),
    ...required(FieldPath.of('reason'), event.reason),
    ...oneOf(FieldPath.of('type'), event.type ?? '', ['Normal', 'Warning']),
  ];
}

function selectableFields(object: JsonObject): Readonly<Record<string, string>> {
  const event = read(object);
  const about = event.involvedObject ?? event.regarding ?? {};
  const source = event.source ?? event.deprecatedSource ?? {};
  const component = event.reportingComponent ?? event.reportingController ?? '';
  const fields = {
    kind: about.kind ?? '',
    namespace: about.namespace ?? '',
    name: about.name ?? '',
    uid: about.uid ?? '',
    apiVersion: about.apiVersion ?? '',
    resourceVersion: about.resourceVersion ?? '',
    fieldPath: about.fieldPath ?? '',
  };
  return {
    ...Object.fromEntries(Object.entries(fields).map(([field, value]) => [`involvedObject.${field}`, value])),
    ...Object.fromEntries(Object.entries(fields).map(([field, value]) => [`regarding.${field}`, value])),
    reason: event.reason ?? '',
    type: event.type ?? '',
    source: source.component || component,
    reportingComponent: component,
    reportingController: component,
  };
}

const common = { kind: 'Event', allowCreateOnUpdate: true, validate, selectableFields } as const;

export const eventStrategy: KindStrategy = { ...common, group: '' };
export const newEventStrategy: KindStrategy = { ...common, group: 'events.k8s.io' };
