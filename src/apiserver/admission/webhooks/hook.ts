/**
 * The webhooks there are now, compiled. They are read from the watch cache: a change is in force with the
 * next request, and only the configuration that changed is compiled again.
 */
import {
  compileLabelSelector,
  everything,
  type LabelSelector,
  type LabelSelectorObject,
  type WebhookClientConfig,
} from '../../../api/index.js';
import type { MutatingWebhook, ValidatingWebhook } from '../../../api/kinds/admissionregistration/v1.js';
import type { ResourceCache, StampedObject } from '../../cache/resource-cache.js';
import { compileConditions, type Condition } from '../policies/match-conditions.js';
import { compileRule, type Rule } from './matching.js';

export interface Hook {
  /** Of this webhook in this configuration, whatever its name. */
  readonly id: string;
  readonly name: string;
  readonly client: WebhookClientConfig;
  readonly rules: readonly Rule[];
  /** Also for requests by another version of the resource that the rules name. */
  readonly equivalent: boolean;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  /** All of them have to be true. */
  readonly conditions: readonly Condition[];
  /** A webhook that cannot be asked counts as content. */
  readonly failOpen: boolean;
  readonly timeoutMs: number;
  /** May be asked on a dry run. */
  readonly dryRunnable: boolean;
  readonly reinvoke: boolean;
}

/** As the API server fills it in when a configuration leaves it out. */
export const defaultTimeoutSeconds = 10;

function compile(configuration: string, index: number, hook: MutatingWebhook | ValidatingWebhook): Hook {
  return {
    id: `${configuration}/${hook.name}/${index}`,
    name: hook.name,
    client: hook.clientConfig as WebhookClientConfig,
    rules: (hook.rules ?? []).map(compileRule),
    equivalent: hook.matchPolicy !== 'Exact',
    namespaceSelector: selector(hook.namespaceSelector),
    objectSelector: selector(hook.objectSelector),
    conditions: compileConditions(hook.matchConditions),
    failOpen: hook.failurePolicy === 'Ignore',
    timeoutMs: (hook.timeoutSeconds ?? defaultTimeoutSeconds) * 1000,
    dryRunnable: hook.sideEffects === 'None' || hook.sideEffects === 'NoneOnDryRun',
    reinvoke: 'reinvocationPolicy' in hook && hook.reinvocationPolicy === 'IfNeeded',
  };
}

function selector(given: LabelSelectorObject | undefined): LabelSelector {
  return given === undefined ? everything : compileLabelSelector(given);
}

export class HookSource {
  #seen = -1;
  #hooks: readonly Hook[] = [];
  readonly #compiled = new WeakMap<StampedObject, readonly Hook[]>();

  /** @param configurations all of one kind */
  constructor(private readonly configurations: ResourceCache) {}

  /** By the name of their configuration, then as they stand in it. */
  current(): readonly Hook[] {
    const { end } = this.configurations;
    if (end !== this.#seen) {
      this.#seen = end;
      this.#hooks = [...this.configurations.scan()].flatMap(({ object }) => this.#of(object));
    }
    return this.#hooks;
  }

  #of(configuration: StampedObject): readonly Hook[] {
    let hooks = this.#compiled.get(configuration);
    if (!hooks) {
      const { webhooks = [] } = configuration as unknown as {
        readonly webhooks?: readonly MutatingWebhook[];
      };
      hooks = webhooks.map((hook, i) => compile(configuration.metadata.name, i, hook));
      this.#compiled.set(configuration, hooks);
    }
    return hooks;
  }
}
