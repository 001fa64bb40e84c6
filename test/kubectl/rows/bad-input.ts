import { Deployment } from 'gyre/kinds';
import { apply, gadget, having, settings, web } from '../manifests.js';
import type { Row } from '../row.js';

/** What is refused, and in which words. */
export const refusalRows: readonly Row[] = [
  {
    title: 'apply refuses unknown fields, naming each',
    source: 'API-10',
    ...apply(having(web, 'spec', { replicaz: 2, strategy: { kind: 'Recreate' } })),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicaz", unknown field "spec.strategy.kind"',
    ],
    leaves: [[Deployment, 'web', 'nothing']],
  },
  {
    title: 'create --validate=warn warns of unknown fields and goes on without them',
    source: 'API-10',
    run: ['create', '--validate=warn', '-f', '-'],
    stdin: having(web, 'spec', { replicaz: 2 }),
    stdout: ['deployment.apps/web created'],
    stderr: ['Warning: unknown field "spec.replicaz"'],
    leaves: [[Deployment, 'web', { spec: { replicas: 2, replicaz: undefined } }]],
  },
  {
    title: 'create --validate=ignore drops unknown fields in silence',
    source: 'API-10',
    run: ['create', '--validate=ignore', '-f', '-'],
    stdin: having(web, 'spec', { replicaz: 2 }),
    stdout: ['deployment.apps/web created'],
    leaves: [[Deployment, 'web', { spec: { replicaz: undefined } }]],
  },
  {
    title: 'apply --server-side refuses a field that the schema does not know',
    source: 'API-9, API-10',
    ...apply(having(web, 'spec', { replicaz: 2 }), '--server-side'),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): failed to create typed patch object (NS/web; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema',
    ],
    leaves: [[Deployment, 'web', 'nothing']],
  },
  {
    title: 'apply refuses a value of the wrong type',
    source: 'API-10',
    ...apply({ ...settings, data: { colour: 1 } }),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data.colour of type string',
    ],
  },
  {
    title: 'apply lists everything that is invalid, with path and reason',
    source: 'API-19',
    ...apply(
      having(web, 'spec', {
        template: { metadata: { labels: { app: 'api' } }, spec: { containers: [{ name: 'nginx' }] } },
      }),
    ),
    exit: 1,
    stderr: [
      'The Deployment "web" is invalid:',
      '* spec.template.metadata.labels: Invalid value: map[string]string{"app":"api"}: `selector` does not match template `labels`',
      '* spec.template.spec.containers[0].image: Required value',
    ],
    leaves: [[Deployment, 'web', 'nothing']],
  },
  {
    title: 'apply refuses a name that is none',
    source: 'API-19',
    ...apply({ ...settings, metadata: { name: 'Not_A_Name' } }),
    exit: 1,
    stderr:
      /^The ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of/,
  },
  {
    title: 'apply of an unknown kind says how to come by it',
    source: 'kubectl docs',
    ...apply({ apiVersion: 'nope.example.com/v1', kind: 'Nope', metadata: { name: 'x' } }),
    exit: 1,
    stderr: [
      'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Nope" in version "nope.example.com/v1"',
      'ensure CRDs are installed first',
    ],
  },
  {
    title: 'create in a namespace that does not exist',
    source: 'API-19',
    run: ['create', '-f', '-'],
    stdin: { ...settings, metadata: { name: 'settings', namespace: 'ghost-town' } },
    clusterWide: true,
    exit: 1,
    stderr: ['Error from server (NotFound): error when creating "STDIN": namespaces "ghost-town" not found'],
  },
  {
    title: 'apply refuses a custom object with an unknown field',
    source: 'API-10, API-15',
    ...apply(having(gadget, 'spec', { weight: 3 })),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): error when creating "STDIN": Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.weight"',
    ],
  },
  {
    title: 'apply refuses a custom object that its schema refuses',
    source: 'API-15',
    ...apply(having(gadget, 'spec', { colour: 'mauve', replicas: -1 })),
    exit: 1,
    stderr: [
      'The Gadget "ball" is invalid:',
      '* spec.colour: Unsupported value: "mauve": supported values: "red", "green", "blue"',
      '* spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0',
    ],
  },
  {
    title: 'apply refuses a custom object without what is required',
    source: 'API-15',
    ...apply({ ...gadget, spec: {} }),
    exit: 1,
    stderr: ['The Gadget "ball" is invalid: spec.colour: Required value'],
  },
];
