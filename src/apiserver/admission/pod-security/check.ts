/** What the checks of the Pod Security Standards have in common: what they look at, and how they say what is wrong. */
import type { Pod } from '../../../api/kinds/core/v1.js';
import type { Given } from '../../builtin/given.js';

export type PodSpec = NonNullable<Given<Pod>['spec']>;
export type Annotations = Readonly<Record<string, string | undefined>>;
export type Container = NonNullable<PodSpec['containers']>[number];
export type SecurityContext = NonNullable<Container['securityContext']>;

/** What of a pod, or of a template of pods, is looked at. */
export interface Checked {
  readonly annotations: Annotations;
  readonly spec: PodSpec;
}

export interface Violation {
  /** `privileged` */
  readonly reason: string;
  /** `container "c" must not set securityContext.privileged=true` */
  readonly detail: string;
}

export interface Check {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** Minor version of Kubernetes it came with. */
  readonly since: number;
  /** The check of the baseline that this one is stricter than. */
  readonly overrides?: string;
  /** @param minor version of Kubernetes whose standards are applied */
  run(pod: Checked, minor: number): Violation | undefined;
}

/** Of Windows pods, some fields can have no value at all. */
export function isWindows({ os }: PodSpec): boolean {
  return os?.name === 'windows';
}

export function containersOf(spec: PodSpec): readonly Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as readonly Container[]),
  ];
}

export function namesWhere(spec: PodSpec, bad: (container: Container) => boolean): string[] {
  return containersOf(spec)
    .filter(bad)
    .map(({ name = '' }) => name);
}

export function quoted(texts: readonly string[]): string {
  return texts.map((text) => `"${text}"`).join(', ');
}

export function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`;
}

/** `container "a"`, `containers "a", "b"` */
export function containersNamed(names: readonly string[]): string {
  return `${plural('container', names.length)} ${quoted(names)}`;
}

/** `pod and containers "a", "b"`: who sets something that may not be. */
export function setters(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [containersNamed(containers)] : [])].join(
    ' and ',
  );
}

/** Each once, in order. */
export function sorted(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}
