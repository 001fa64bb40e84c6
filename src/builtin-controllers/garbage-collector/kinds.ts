/** What the collector knows of what a server serves: kinds to watch, and kinds that references name. */
import { apiVersionOf, type Kind, type KubernetesObject, type OwnerReference } from 'gyre';
import type { Discovery } from 'gyre/client';

const needed = ['list', 'watch', 'delete'];
/** Events are many, own nothing, and expire by themselves. */
const ignored = new Set(['Event', 'Event.events.k8s.io']);

export class ServedKinds {
  /** GC-2: everything that can be listed, watched and deleted, each resource in one version. */
  readonly collectable: readonly Kind<KubernetesObject>[];
  readonly #byReference: ReadonlyMap<string, Kind<KubernetesObject>>;

  readonly resources: Discovery['resources'];

  constructor({ resources }: Pick<Discovery, 'resources'>) {
    this.resources = resources;
    this.collectable = resources
      .filter(({ preferred, verbs }) => preferred && needed.every((verb) => verbs.includes(verb)))
      .map(({ kind }) => kind)
      .filter((kind) => !ignored.has(kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`));
    // A kind may be served by several resources; the first is the one its objects live in.
    this.#byReference = new Map([...resources].reverse().map(({ kind }) => [referenceOf(kind), kind]));
  }

  /** The kind a reference names, in the version it names; undefined when that is not served. */
  named({ apiVersion, kind }: OwnerReference): Kind<KubernetesObject> | undefined {
    return this.#byReference.get(`${apiVersion} ${kind}`);
  }

  /** The kind under which objects of this one are watched. */
  watched(kind: Kind<KubernetesObject>): Kind<KubernetesObject> | undefined {
    return this.collectable.find(({ group, plural }) => group === kind.group && plural === kind.plural);
  }
}

function referenceOf(kind: Kind<KubernetesObject>): string {
  return `${apiVersionOf(kind)} ${kind.kind}`;
}
