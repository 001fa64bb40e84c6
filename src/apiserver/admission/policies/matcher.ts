/** Which requests a policy or a binding is about (`matchConstraints`, `matchResources`). */
import {
  compileLabelSelector,
  everything,
  type JsonObject,
  type LabelSelector,
  type LabelSelectorObject,
} from '../../../api/index.js';
import type { MatchResources } from '../../../api/kinds/admissionregistration/v1.js';
import type { Given } from '../../builtin/given.js';
import type { StampedObject } from '../../cache/resource-cache.js';
import { storagePrefix, type WatchCache } from '../../cache/watch-cache.js';
import type { ServedResource } from '../../resource.js';
import type { AdmissionAttributes } from '../admission.js';
import { compileRule, type RuleTarget } from '../webhooks/matching.js';

type NamedRule = (target: RuleTarget, name: string) => boolean;

export interface Matcher {
  readonly rules: readonly NamedRule[];
  readonly excluded: readonly NamedRule[];
  readonly equivalent: boolean;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  /** True when there are no rules at all: a binding that narrows nothing. */
  readonly anyResource: boolean;
}

export function compileMatcher(given: Given<MatchResources> | undefined): Matcher {
  const { resourceRules = [], excludeResourceRules = [] } = given ?? {};
  return {
    rules: resourceRules.map(namedRule),
    excluded: excludeResourceRules.map(namedRule),
    equivalent: given?.matchPolicy !== 'Exact',
    namespaceSelector: selector(given?.namespaceSelector as LabelSelectorObject | undefined),
    objectSelector: selector(given?.objectSelector as LabelSelectorObject | undefined),
    anyResource: resourceRules.length === 0,
  };
}

function namedRule(fields: Given<MatchResources['resourceRules'] & object>[number]): NamedRule {
  const rule = compileRule(fields as Parameters<typeof compileRule>[0]);
  const names = new Set(fields.resourceNames ?? []);
  return (target, name) => rule(target) && (names.size === 0 || names.has(name));
}

function selector(given: LabelSelectorObject | undefined): LabelSelector {
  return given === undefined ? everything : compileLabelSelector(given);
}

const namespacePrefix = storagePrefix({ group: '', plural: 'namespaces' });

export interface RequestMatcherDeps {
  readonly cache: WatchCache;
  /** The same resource in its other served versions. */
  readonly otherVersions: (resource: ServedResource) => readonly ServedResource[];
}

export class RequestMatcher {
  constructor(private readonly deps: RequestMatcherDeps) {}

  /**
   * The resource at the version the rules name; undefined when the request is none of their business.
   * @param object what the request is about by now
   */
  match(
    matcher: Matcher,
    attributes: AdmissionAttributes,
    object: JsonObject | undefined,
  ): ServedResource | undefined {
    const shown = this.#byRules(matcher, attributes);
    if (!shown || !this.#inNamespaces(matcher, attributes)) return undefined;
    const { objectSelector } = matcher;
    const selected =
      objectSelector.isEmpty ||
      [object, attributes.oldObject].some((o) => o && objectSelector.matches(labelsOf(o)));
    return selected ? shown : undefined;
  }

  #byRules(
    { rules, excluded, equivalent, anyResource }: Matcher,
    attributes: AdmissionAttributes,
  ): ServedResource | undefined {
    const { resource, name, subresource } = attributes;
    const target = ({ facts }: ServedResource): RuleTarget => ({
      operation: attributes.operation,
      group: facts.group,
      version: facts.version,
      resource: facts.plural,
      subresource,
      namespace: attributes.namespace,
    });
    const others = equivalent
      ? this.deps
          .otherVersions(resource)
          .filter(({ facts }) => subresource === '' || facts.subresources.some((s) => s.name === subresource))
      : [];
    const all = [resource, ...others];
    if (excluded.some((rule) => all.some((each) => rule(target(each), name)))) return undefined;
    if (anyResource) return resource;
    return all.find((each) => rules.some((rule) => rule(target(each), name)));
  }

  #inNamespaces({ namespaceSelector }: Matcher, attributes: AdmissionAttributes): boolean {
    if (namespaceSelector.isEmpty) return true;
    const { resource, object, namespace } = attributes;
    if (isNamespace(resource)) {
      const judged = object ?? attributes.oldObject;
      return judged !== undefined && namespaceSelector.matches(labelsOf(judged));
    }
    if (namespace === '') return true;
    const found = this.namespaceOf(attributes);
    return found !== undefined && namespaceSelector.matches(labelsOf(found));
  }

  /** Where the object of a request lives; undefined for what lives in no namespace. */
  namespaceOf({ resource, namespace }: AdmissionAttributes): JsonObject | undefined {
    if (namespace === '' || isNamespace(resource)) return undefined;
    return this.deps.cache.resource(namespacePrefix).get(`${namespacePrefix}${namespace}`)?.object;
  }
}

export function isNamespace({ facts }: ServedResource): boolean {
  return facts.group === '' && facts.kind === 'Namespace';
}

function labelsOf(object: JsonObject): Readonly<Record<string, string>> | undefined {
  return (object as Partial<StampedObject>).metadata?.labels;
}
