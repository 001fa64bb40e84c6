/**
 * Which level of the Pod Security Standards a namespace asks for, by its labels
 * (https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-namespace-labels/), and what of a pod is
 * against it. Pure.
 */
import { fieldError, FieldPath, type StatusCause } from '../../../api/index.js';
import { baselineChecks } from './baseline.js';
import type { Check, Checked, Violation } from './check.js';
import { restrictedChecks } from './restricted.js';

const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];
export type Mode = 'enforce' | 'audit' | 'warn';

/** The standards of this version of Kubernetes are the latest there are. */
const latestMinor = 32;
const prefix = 'pod-security.kubernetes.io/';
const labelsPath = FieldPath.of('metadata', 'labels');

export interface LevelVersion {
  readonly level: Level;
  /** `latest`, or `v1.x`. */
  readonly version: string;
}

export type Policy = Readonly<Record<Mode, LevelVersion>>;
type Labels = Readonly<Record<string, string | undefined>>;

const none: LevelVersion = { level: 'privileged', version: 'latest' };

/** `restricted:latest` */
export function textOf({ level, version }: LevelVersion): string {
  return `${level}:${version}`;
}

/** Negative when `a` is less strict. */
export function compareLevels(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

export function isSame(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

/**
 * What the labels ask for, and what is wrong with them: a level that is none enforces all there is, and warns and audits
 * nothing. Who enforces more than he warns of is warned of what is enforced.
 */
export function policyOf(labels: Labels = {}): { readonly policy: Policy; readonly problems: StatusCause[] } {
  const problems: StatusCause[] = [];
  const label = (name: string): string | undefined =>
    Object.hasOwn(labels, prefix + name) ? labels[prefix + name] : undefined;
  const refuse = (name: string, value: string, why: string): void => {
    problems.push(fieldError.invalid(labelsPath.key(prefix + name), value, why));
  };
  const valid = (name: string): Level | undefined => levels.find((level) => level === label(name));
  const read = (mode: Mode): LevelVersion => {
    const [wanted, version = 'latest'] = [label(mode), label(`${mode}-version`)];
    const level = valid(mode);
    if (wanted !== undefined && level === undefined)
      refuse(mode, wanted, `must be one of ${levels.join(', ')}`);
    const known = version === 'latest' || /^v1\.(?:\d|[1-9]\d*)$/.test(version);
    if (!known) refuse(`${mode}-version`, version, 'must be "latest" or "v1.x"');
    const otherwise = wanted !== undefined && mode === 'enforce' ? 'restricted' : 'privileged';
    return { level: level ?? otherwise, version: known ? version : 'latest' };
  };
  const [enforce, audit, told] = [read('enforce'), read('audit'), read('warn')];
  const follows =
    label('warn') === undefined &&
    valid('enforce') !== undefined &&
    compareLevels(enforce.level, told.level) > 0;
  const version = label('warn-version') === undefined ? enforce.version : told.version;
  return { policy: { enforce, audit, warn: follows ? { level: enforce.level, version } : told }, problems };
}

export function isPrivileged({ enforce, audit, warn }: Policy): boolean {
  return [enforce, audit, warn].every(({ level }) => level === none.level);
}

function minorOf(version: string): number {
  const minor = version === 'latest' ? latestMinor : Number(version.slice('v1.'.length));
  return Math.min(minor, latestMinor);
}

/** What of the pod is against the level, check by check. */
export function violations({ level, version }: LevelVersion, pod: Checked): Violation[] {
  if (level === 'privileged') return [];
  const minor = minorOf(version);
  return checksOf(level, minor).flatMap((check) => check.run(pod, minor) ?? []);
}

function checksOf(level: Level, minor: number): readonly Check[] {
  if (level === 'baseline') return baselineChecks;
  const own = restrictedChecks.filter(({ since }) => minor >= since);
  const overridden = own.map(({ overrides }) => overrides);
  return [...baselineChecks.filter(({ id }) => !overridden.includes(id)), ...own];
}

/** `privileged (container "c" must not set …), host namespaces (hostPID=true)` */
export function detailOf(found: readonly Violation[]): string {
  return found.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}

/** `privileged, host namespaces` */
export function reasonOf(found: readonly Violation[]): string {
  return found.map(({ reason }) => reason).join(', ');
}
