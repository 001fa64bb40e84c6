/**
 * Which of the group versions a server knows it serves: stable ones, and of the others those somebody turns on, as
 * `--runtime-config` of kube-apiserver does.
 */
import { apiVersionOf } from '../api/index.js';
import { builtinResources, type ResourceFacts } from '../api/facts/index.js';

/**
 * What is turned on or off, by `<group>/<version>`, `<group>/<version>/<plural>`, or `api/all`, `api/ga`, `api/beta`,
 * `api/alpha`. What names less goes before what names more. Default: `api/ga` is on, all else is off.
 */
export type RuntimeConfig = Readonly<Record<string, boolean>>;

/** Something is turned on that nobody knows, or off that the server cannot do without. */
export class BadRuntimeConfig extends Error {
  override readonly name = 'BadRuntimeConfig';
}

type Known = Pick<ResourceFacts, 'group' | 'version' | 'plural'>;

const stable = /^v\d+$/;
const classes: readonly (readonly [key: string, matches: (version: string) => boolean])[] = [
  ['api/all', () => true],
  ['api/ga', (version) => stable.test(version)],
  ['api/beta', (version) => /^v\d+beta\d+$/.test(version)],
  ['api/alpha', (version) => /^v\d+alpha\d+$/.test(version)],
];

/** What the server writes of itself when it starts. */
const needed: ReadonlySet<string> = new Set([
  'v1',
  'apiregistration.k8s.io/v1',
  'flowcontrol.apiserver.k8s.io/v1',
  'rbac.authorization.k8s.io/v1',
  'scheduling.k8s.io/v1',
]);

const truths: Readonly<Record<string, boolean>> = {
  '': true,
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false])),
};

/** Reads `apps/v1=false,api/alpha=true`. A key alone is turned on. @throws BadRuntimeConfig */
export function readRuntimeConfig(text: string): RuntimeConfig {
  const config: Record<string, boolean> = {};
  for (const pair of text.split(',').map((each) => each.trim())) {
    if (pair === '') continue;
    const [key = '', ...rest] = pair.split('=');
    const value = rest.join('=');
    const on = Object.hasOwn(truths, value) ? truths[value] : undefined;
    if (on === undefined) throw new BadRuntimeConfig(`invalid value of ${key}: ${JSON.stringify(value)}`);
    config[key] = on;
  }
  checkRuntimeConfig(config);
  return config;
}

/** @throws BadRuntimeConfig */
export function checkRuntimeConfig(config: RuntimeConfig, known: readonly Known[] = builtinResources): void {
  for (const key of Object.keys(config)) if (!isClass(key)) checkKey(key, known);
  const serves = servedBy(config);
  const missing = known.find((each) => needed.has(apiVersionOf(each)) && !serves(each));
  if (missing)
    throw new BadRuntimeConfig(`${apiVersionOf(missing)} cannot be turned off: the server itself needs it`);
}

function checkKey(key: string, known: readonly Known[]): void {
  const [group = '', version = '', plural, ...more] = key.split('/');
  if (group === '' || version === '' || plural === '' || more.length > 0)
    throw new BadRuntimeConfig(`invalid key ${JSON.stringify(key)}`);
  const inGroup = known.filter((each) => each.group === group);
  if (inGroup.length === 0) throw new BadRuntimeConfig(`unknown API group ${JSON.stringify(group)}`);
  const inVersion = inGroup.filter((each) => each.version === version);
  if (inVersion.length === 0) throw new BadRuntimeConfig(`unknown API group version ${group}/${version}`);
  if (plural !== undefined && !inVersion.some((each) => each.plural === plural))
    throw new BadRuntimeConfig(`unknown resource ${JSON.stringify(plural)} of ${group}/${version}`);
}

function isClass(key: string): boolean {
  return classes.some(([name]) => name === key);
}

/** Whether a resource is served. The core group always is: it has no key. */
export function servedBy(config: RuntimeConfig): (resource: Known) => boolean {
  const told = (key: string): boolean | undefined => (Object.hasOwn(config, key) ? config[key] : undefined);
  return ({ group, version, plural }) => {
    if (group === '') return true;
    let on = stable.test(version);
    for (const [key, matches] of classes) if (matches(version)) on = told(key) ?? on;
    return told(`${group}/${version}/${plural}`) ?? told(`${group}/${version}`) ?? on;
  };
}
