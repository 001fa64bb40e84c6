/** Which requests a policy, or its binding, is about: `matchConstraints` and `matchResources`. */
import {
  compileLabelSelector,
  everything,
  type JsonObject,
  type LabelSelector,
  type LabelSelectorObject,
} from '../../../api/index.js';
import type { MatchResources } from '../../../api/kinds/admissionregistration/v1.js';
import type { Given } from '../../builtin/given.js';
import type { AdmissionAttributes } from '../admission.js';
import type { Lookup } from '../lookup.js';
import { compileRule, type RuleTarget } from '../webhooks/matching.js';

const namespaces = { group: '', plural: 'namespaces' };

export type Match = (attributes: AdmissionAttributes) => boolean;

export function compileMatch(match: Given<MatchResources> | undefined, lookup: Lookup): Match {
  if (!match) return () => true;
  const rules = compileNamed(match.resourceRules);
  const excluded = compileNamed(match.excludeResourceRules);
  const ofNamespace = selector(match.namespaceSelector as LabelSelectorObject | undefined);
  const ofObject = selector(match.objectSelector as LabelSelectorObject | undefined);
  return (attributes) => {
    const target = targetOf(attributes);
    // A binding that names no rules is about all that its policy is about.
    if (rules.length > 0 && !rules.some((rule) => rule(target, attributes.name))) return false;
    if (excluded.some((rule) => rule(target, attributes.name))) return false;
    return inNamespaces(ofNamespace, attributes, lookup) && selects(ofObject, attributes);
  };
}

function compileNamed(rules: Given<MatchResources>['resourceRules']) {
  return (rules ?? []).map((fields) => {
    const rule = compileRule(fields);
    const { resourceNames = [] } = fields;
    return (target: RuleTarget, name: string): boolean =>
      rule(target) && (resourceNames.length === 0 || resourceNames.includes(name));
  });
}

function targetOf({ resource, operation, subresource, namespace }: AdmissionAttributes): RuleTarget {
  const { group, version, plural } = resource.facts;
  return { operation, group, version, resource: plural, subresource, namespace };
}

function selector(given: LabelSelectorObject | undefined): LabelSelector {
  return given === undefined ? everything : compileLabelSelector(given);
}

/** The Namespace of a request; undefined for what has none. */
export function namespaceOf(attributes: AdmissionAttributes, lookup: Lookup): JsonObject | undefined {
  const { resource, namespace, object, oldObject } = attributes;
  if (resource.facts.group === '' && resource.facts.kind === 'Namespace') return object ?? oldObject;
  if (namespace === '') return undefined;
  return lookup.get<JsonObject>(namespaces, '', namespace);
}

function inNamespaces(selected: LabelSelector, attributes: AdmissionAttributes, lookup: Lookup): boolean {
  if (selected.isEmpty) return true;
  const namespace = namespaceOf(attributes, lookup);
  // What belongs to the whole cluster is in no namespace that could be left out.
  return namespace === undefined || selected.matches(labelsOf(namespace));
}

function selects(selected: LabelSelector, { object, oldObject }: AdmissionAttributes): boolean {
  return selected.isEmpty || [object, oldObject].some((each) => each && selected.matches(labelsOf(each)));
}

function labelsOf(object: JsonObject): Readonly<Record<string, string>> {
  return (object.metadata as { readonly labels?: Record<string, string> } | undefined)?.labels ?? {};
}
