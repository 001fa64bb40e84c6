/**
 * A custom kind as a class that describes its objects and is never instantiated.
 *
 * ```ts
 * export class Website extends CustomResource({
 *   group: 'apps.example.com', version: 'v1', kind: 'Website', shortNames: ['web'],
 *   spec: WebsiteSpec, status: WebsiteStatus, columns: { Ready: '.status.readyReplicas' },
 * }) {}
 * ```
 * `Website` is a value for every verb (`client.get(Website, 'default/blog')`) and the type of what they
 * give: plain, readonly JSON. Identity is group and kind; the class's name means nothing.
 */
import {
  apiVersionOf,
  dns1035Label,
  dns1123Subdomain,
  type Input,
  type InputValue,
  type Key,
  type KindFacts,
  type ObjectMeta,
  type PartialObjectMeta,
  parseKey,
  pluralOf,
  type Scope,
  type Shared,
} from '../../api/index.js';
import type { CustomResourceDefinition } from '../../api/kinds/apiextensions/v1.js';
import { crdOf } from './crd.js';
import type { AnyClass } from '../registration/metadata.js';
import { RegistrationError } from '../registration/registration-error.js';
import { assertPlainClass } from './schema-emitter.js';

export type ColumnType = 'integer' | 'number' | 'string' | 'boolean' | 'date';

/** A column of `kubectl get`. */
export interface Column {
  /** A JSONPath that begins with a dot: `.status.readyReplicas`. */
  readonly path: string;
  /** Default: what the schema says of the field. */
  readonly type?: ColumnType;
  /** Above 0: shown with `-o wide` only. Default 0. */
  readonly priority?: number;
  readonly format?: string;
  readonly description?: string;
}

/** Which fields the `scale` subresource reads and writes. */
export interface ScalePaths {
  /** `.spec.replicas` */
  readonly specReplicasPath: string;
  /** `.status.replicas` */
  readonly statusReplicasPath: string;
  /** `.status.selector`: a label selector as text. */
  readonly labelSelectorPath?: string;
}

export interface CustomResourceOptions<
  G extends string = string,
  V extends string = string,
  K extends string = string,
  S extends Scope = Scope,
  Spec extends object = object,
  Status extends object = object,
> {
  /** A domain you own: `apps.example.com`. */
  readonly group: G;
  /** `v1`, `v1beta1`. */
  readonly version: V;
  /** CamelCase: `Website`. */
  readonly kind: K;
  /** Default: the English plural of the kind, in lower case. */
  readonly plural?: string;
  /** Default: the kind in lower case. */
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default Namespaced. */
  readonly scope?: S;
  /** Its fields are described with decorators. */
  readonly spec: AnyClass<Spec>;
  /** With a status class the kind has a `status` subresource, and `observedGeneration` is kept in it. */
  readonly status?: AnyClass<Status>;
  /** By title: a JSONPath, or a column in full. An Age column is added at the end unless you name one. */
  readonly columns?: Readonly<Record<string, string | Column>>;
  readonly scale?: ScalePaths;
  /**
   * Other versions of the kind, each a class of its own, served beside this one. This one is what is stored, and the hub
   * of conversions (`conversionFor`). A function, as the classes know each other.
   */
  readonly versions?: () => readonly AnyCustomResource[];
  /** Clients of this version are warned, in these words or the server's. Default false. */
  readonly deprecated?: boolean | string;
}

/** An object of a custom kind, as reads give it. */
export type CustomObject<ApiVersion extends string, K extends string, Spec, Status> = {
  readonly apiVersion: ApiVersion;
  readonly kind: K;
  readonly metadata: ObjectMeta;
  readonly spec: Shared<Spec>;
} & ([Status] extends [never] ? unknown : { readonly status?: Shared<Status> });

/** An input that says what it is. */
export type IdentifiedInput<T> = Input<T> & { readonly apiVersion: string; readonly kind: string };

/** What `CustomResource(…)` gives: the base of a kind's class. */
export interface CustomResourceStatics<S extends Scope, Spec, T> extends KindFacts<S> {
  readonly singular: string;
  /** True when there is a status class: `status.observedGeneration` follows what was reconciled. */
  readonly observesGeneration: boolean;
  readonly options: CustomResourceOptions;
  /**
   * An object to write: `Website.of('default/blog', { image: 'nginx', replicas: 3 })`.
   * @throws TypeError for a key without a name, or without the namespace a namespaced kind needs
   */
  of(key: Key<S>, spec: InputValue<Shared<Spec>>, metadata?: PartialObjectMeta): IdentifiedInput<T>;
  /**
   * The CustomResourceDefinition that installs the kind.
   * @throws RegistrationError for a field whose schema cannot be known
   */
  crd(): Promise<IdentifiedInput<CustomResourceDefinition>>;
}

export type CustomResourceBase<S extends Scope, Spec, T> = CustomResourceStatics<S, Spec, T> &
  (abstract new (
    ...args: never[]
  ) => T);

/** Any custom kind's class. */
export type AnyCustomResource = Omit<CustomResourceStatics<Scope, never, never>, 'of'> & AnyClass;

const marker: unique symbol = Symbol.for('gyre.custom-resource') as never;

/**
 * Describes a custom kind.
 * @throws RegistrationError when names are not what Kubernetes takes, or a class has methods
 */
export function CustomResource<
  const G extends string,
  const V extends string,
  const K extends string,
  Spec extends object,
  Status extends object = never,
  S extends Scope = 'Namespaced',
>(
  options: CustomResourceOptions<G, V, K, S, Spec, Status>,
): CustomResourceBase<S, Spec, CustomObject<`${G}/${V}`, K, Spec, Status>> {
  const singular = options.singular ?? options.kind.toLowerCase();
  const plural = options.plural ?? pluralOf(singular);
  checkNames(options, plural, singular);
  for (const cls of [options.spec, options.status]) {
    if (cls) assertPlainClass(cls);
  }
  const facts: KindFacts = {
    group: options.group,
    version: options.version,
    kind: options.kind,
    plural,
    scope: options.scope ?? 'Namespaced',
  };

  class Base {
    static readonly [marker] = true;
    static readonly group = facts.group;
    static readonly version = facts.version;
    static readonly kind = facts.kind;
    static readonly plural = plural;
    static readonly singular = singular;
    static readonly scope = facts.scope;
    static readonly observesGeneration = options.status !== undefined;
    static readonly options = options;

    constructor() {
      throw new TypeError(
        `${facts.kind} describes plain JSON and is never instantiated: write an object with ${facts.kind}.of(key, spec)`,
      );
    }

    static of(key: Key, spec: object, metadata: PartialObjectMeta = {}): object {
      const { namespace, name } = parseKey(facts, key);
      return {
        apiVersion: apiVersionOf(facts),
        kind: facts.kind,
        metadata: { ...metadata, ...(namespace === '' ? {} : { namespace }), name },
        spec,
      };
    }

    static crd(this: unknown): Promise<object> {
      return crdOf(this as AnyCustomResource);
    }
  }
  // Messages name the class; one that is used as it is goes by its kind.
  Object.defineProperty(Base, 'name', { value: options.kind });
  return Base as never;
}

/** True for the class of a custom kind, whichever copy of this package made it. */
export function isCustomResource(kind: unknown): kind is AnyCustomResource {
  return typeof kind === 'function' && (kind as { [marker]?: unknown })[marker] === true;
}

function checkNames(options: CustomResourceOptions, plural: string, singular: string): void {
  const { group, version, kind, shortNames = [] } = options;
  const where = `CustomResource ${JSON.stringify(kind)}`;
  const refuse = (problem: string, remedy: string): never => {
    throw new RegistrationError(where, problem, remedy);
  };
  if (!/^[A-Z][A-Za-z0-9]{0,62}$/.test(kind)) {
    refuse(
      'has a kind that is not CamelCase',
      "write letters and digits beginning with a capital, e.g. 'Website'",
    );
  }
  if (dns1123Subdomain(group).length > 0 || !group.includes('.')) {
    refuse(
      `has the group ${JSON.stringify(group)}, which is not a domain`,
      "use one you own, e.g. 'apps.example.com'",
    );
  }
  if (/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)) {
    refuse(
      `has the protected group ${group}`,
      'groups below k8s.io and kubernetes.io need an approval by Kubernetes; use a domain you own',
    );
  }
  if (dns1035Label(version).length > 0) {
    refuse(`has the version ${JSON.stringify(version)}`, "write 'v1', 'v1beta1' or 'v1alpha1'");
  }
  for (const [what, name] of [
    ['plural', plural],
    ['singular', singular],
    ...shortNames.map((n) => ['short name', n]),
  ] as const) {
    if (dns1035Label(name ?? '').length > 0) {
      refuse(
        `has the ${what} ${JSON.stringify(name)}`,
        'write lower-case letters, digits and dashes, beginning with a letter',
      );
    }
  }
  if (typeof options.spec !== 'function') {
    refuse(
      'has no spec class',
      'give the class itself; where files import each other, declare it in the same file',
    );
  }
  if (options.scale && !options.status) {
    refuse('has scale but no status class', 'scale reads the replicas of the status: add a status class');
  }
}
