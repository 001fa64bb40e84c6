/** Nodes. */
import {
  deepEqualJson,
  FieldPath,
  fieldError,
  type JsonObject,
  labelValue,
  qualifiedName,
  type StatusCause,
} from '../../../api/index.js';
import type { Node } from '../../../api/kinds/core/v1.js';
import { cidr, requiredOneOf, ruled } from '../checks.js';
import { given } from '../given.js';
import { taintEffects } from '../pod-spec/scheduling.js';
import type { KindStrategy } from '../strategy.js';

const path = FieldPath.of('spec');

function validate(object: JsonObject): StatusCause[] {
  const { spec = {} } = given<Node>(object);
  const causes: StatusCause[] = [];
  const seen = new Set<string>();
  for (const [i, taint] of (spec.taints ?? []).entries()) {
    const at = path.child('taints').index(i);
    causes.push(...ruled(at.child('key'), taint.key ?? '', qualifiedName));
    const why = labelValue(taint.value ?? '');
    if (why.length > 0) causes.push(fieldError.invalid(at.child('value'), taint.value, why.join(';')));
    causes.push(...requiredOneOf(at.child('effect'), taint.effect, taintEffects));
    const key = `${taint.key}:${taint.effect}`;
    if (seen.has(key)) causes.push(fieldError.duplicate(at, taint));
    seen.add(key);
  }
  for (const [i, range] of (spec.podCIDRs ?? []).entries())
    causes.push(...cidr(path.child('podCIDRs').index(i), range));
  return causes;
}

function validateUpdate(object: JsonObject, oldObject: JsonObject): StatusCause[] {
  const [spec, old] = [given<Node>(object).spec ?? {}, given<Node>(oldObject).spec ?? {}];
  const causes: StatusCause[] = [];
  if (old.podCIDRs?.length && !deepEqualJson(spec.podCIDRs, old.podCIDRs)) {
    causes.push(
      fieldError.forbidden(
        path.child('podCIDRs'),
        'node updates may not change podCIDR except from "" to valid',
      ),
    );
  }
  if (old.providerID && spec.providerID !== old.providerID) {
    causes.push(
      fieldError.forbidden(
        path.child('providerID'),
        'node updates may not change providerID except from "" to valid',
      ),
    );
  }
  return causes;
}

export const nodeStrategy: KindStrategy = {
  group: '',
  kind: 'Node',
  validate,
  validateUpdate,
  selectableFields: (object) => ({
    'spec.unschedulable': String(given<Node>(object).spec?.unschedulable ?? false),
  }),
};
