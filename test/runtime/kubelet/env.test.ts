import { expect } from 'chai';
import type { ConfigMap, Container, Secret } from 'gyre/kinds/core/v1';
import { ContainerConfigError, containerEnv, expand } from '#src/runtime/kubelet/env.js';
import { pod } from './pods.js';

const facts = {
  podIP: '10.64.0.2',
  hostIP: '10.0.0.1',
  nodeName: 'n1',
  allocatable: { cpuMillis: 1500, memoryBytes: 2048 * 1024 * 1024 },
};
const metadata = { namespace: 'ns', name: 'x', uid: '', resourceVersion: '', creationTimestamp: '' };
const sources = {
  configMap: async (_: string, name: string) =>
    name === 'conf'
      ? ({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata,
          data: { colour: 'red', size: '$(A)' },
        } as ConfigMap)
      : undefined,
  secret: async (_: string, name: string) =>
    name === 'keys'
      ? ({ apiVersion: 'v1', kind: 'Secret', metadata, data: { pass: 'w6k=' } } as Secret)
      : undefined,
};

type Part = Pick<Container, 'env' | 'envFrom' | 'resources'>;
async function envOf(part: Part): Promise<string[]> {
  const container = { name: 'web', image: 'i', ...part };
  const env = await containerEnv(
    pod({ containers: [container], serviceAccountName: 'robot' }),
    container,
    facts,
    sources,
  );
  return env.map(({ name, value }) => `${name}=${value}`);
}
const field = (fieldPath: string): Part => ({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }] });
const resource = (name: string, divisor?: string, resources: Container['resources'] = {}): Part => ({
  resources,
  env: [
    {
      name: 'A',
      valueFrom: { resourceFieldRef: { resource: name, ...(divisor === undefined ? {} : { divisor }) } },
    },
  ],
});

const rows: readonly (readonly [title: string, part: Part, env: readonly string[]])[] = [
  ['values', { env: [{ name: 'A', value: '1' }, { name: 'B' }] }, ['A=1', 'B=']],
  [
    'variables defined before are expanded, later ones are not',
    {
      env: [
        { name: 'A', value: '$(B)' },
        { name: 'B', value: 'b' },
        { name: 'C', value: '$(B)-$$(B)' },
      ],
    },
    ['A=$(B)', 'B=b', 'C=b-$(B)'],
  ],
  [
    'a key of a ConfigMap, as it is',
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'size' } } }] },
    ['A=$(A)'],
  ],
  [
    'a key of a Secret, decoded',
    { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'pass' } } }] },
    ['A=é'],
  ],
  [
    'optional keys and objects that are missing leave nothing',
    {
      env: [
        { name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'none', optional: true } } },
        { name: 'B', valueFrom: { secretKeyRef: { name: 'none', key: 'none', optional: true } } },
      ],
      envFrom: [
        { configMapRef: { name: 'none', optional: true } },
        { secretRef: { name: 'none', optional: true } },
      ],
    },
    [],
  ],
  [
    'everything of a ConfigMap and a Secret, with a prefix; own variables win',
    {
      envFrom: [{ configMapRef: { name: 'conf' }, prefix: 'C_' }, { secretRef: { name: 'keys' } }],
      env: [{ name: 'pass', value: '$(C_colour)' }],
    },
    ['C_colour=red', 'C_size=$(A)', 'pass=red'],
  ],
  ['its own name', field('metadata.name'), ['A=p']],
  ['its namespace', field('metadata.namespace'), ['A=ns']],
  ['its uid', field('metadata.uid'), ['A=u1']],
  ['one label', field("metadata.labels['app']"), ['A=web']],
  ['a label it does not have', field("metadata.labels['constructor']"), ['A=']],
  ['one annotation', field("metadata.annotations['note']"), ['A=say "hi"']],
  ['its node', field('spec.nodeName'), ['A=n1']],
  ['its service account', field('spec.serviceAccountName'), ['A=robot']],
  ['its address', field('status.podIP'), ['A=10.64.0.2']],
  ['the address of its node', field('status.hostIP'), ['A=10.0.0.1']],
  [
    'a limit, rounded up to whole cores',
    resource('limits.cpu', undefined, { limits: { cpu: '1200m' } }),
    ['A=2'],
  ],
  ['a limit in millicores', resource('limits.cpu', '1m', { limits: { cpu: '1200m' } }), ['A=1200']],
  ['memory in Mi', resource('limits.memory', '1Mi', { limits: { memory: '1Gi' } }), ['A=1024']],
  ['without a limit what the node can give', resource('limits.cpu', '1m'), ['A=1500']],
  ['a request', resource('requests.memory', '1', { requests: { memory: '1Ki' } }), ['A=1024']],
  ['no request', resource('requests.cpu'), ['A=0']],
];

const refusals: readonly (readonly [part: Part, message: string])[] = [
  [
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'k' } } }] },
    'configmap "none" not found',
  ],
  [
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'k' } } }] },
    "couldn't find key k in ConfigMap ns/conf",
  ],
  [
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'toString' } } }] },
    "couldn't find key toString in ConfigMap ns/conf",
  ],
  [
    { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'none', key: 'k' } } }] },
    'secret "none" not found',
  ],
  [
    { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'k' } } }] },
    "couldn't find key k in Secret ns/keys",
  ],
  [{ envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'],
  [{ envFrom: [{ secretRef: { name: 'none' } }] }, 'secret "none" not found'],
  [field('status.phase'), 'unsupported fieldPath: status.phase'],
];

describe('containerEnv', () => {
  for (const [title, part, env] of rows) {
    it(`KL-14 gives ${title}`, async () => {
      expect(await envOf(part)).to.deep.equal(env);
    });
  }
  for (const [part, message] of refusals) {
    it(`KL-14 refuses with ${message}`, async () => {
      const refusal: unknown = await envOf(part).catch((error: unknown) => error);
      expect(refusal).to.be.instanceOf(ContainerConfigError);
      expect((refusal as Error).message).to.equal(message);
    });
  }
});

describe('expand', () => {
  const values = new Map([
    ['A', 'a'],
    ['B', '$(A)'],
  ]);
  for (const [text, result] of [
    ['$(A)', 'a'],
    ['x$(A)y$(A)', 'xaya'],
    ['$(B)', '$(A)'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$A $ $(A', '$A $ $(A'],
    ['$()', '$()'],
    ['', ''],
  ] as const) {
    it(`KL-14 makes ${JSON.stringify(result)} of ${JSON.stringify(text)}`, () => {
      expect(expand(text, values)).to.equal(result);
    });
  }
});
