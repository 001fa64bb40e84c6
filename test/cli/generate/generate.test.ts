/** `gyre generate types`: what it writes compiles, and is what the definition says. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { UsageError } from '#src/cli/arguments.js';
import { type Definition, typesOf } from '#src/cli/generate/crd-types.js';
import { generate } from '#src/cli/generate/generate.js';
import { gyreUp, temporaryFolder } from '../../support/processes.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

const definition: Definition & { apiVersion: string; kind: string; metadata: { name: string } } = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'certificates.example.io' },
  spec: {
    group: 'example.io',
    scope: 'Namespaced',
    names: { kind: 'Certificate', plural: 'certificates' },
    versions: [
      { name: 'v1alpha1', served: false, schema: {} },
      { name: 'v1beta1', served: true, deprecated: true, schema: { openAPIV3Schema: { type: 'object' } } },
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                description: 'What is wanted.\nEnds no comment: */',
                required: ['secretName', 'issuerRef'],
                properties: {
                  secretName: { type: 'string' },
                  issuerRef: {
                    type: 'object',
                    required: ['name'],
                    properties: {
                      name: { type: 'string' },
                      kind: { type: 'string', enum: ['Issuer', "it's"] },
                    },
                  },
                  dnsNames: { type: 'array', items: { type: 'string' } },
                  usages: { type: 'array', items: { type: 'string', enum: ['signing', 'any'] } },
                  rules: {
                    type: 'array',
                    items: { type: 'object', properties: { port: { 'x-kubernetes-int-or-string': true } } },
                  },
                  labels: { type: 'object', additionalProperties: { type: 'string' } },
                  anything: { 'x-kubernetes-preserve-unknown-fields': true },
                  config: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  'odd-name': { type: 'integer', nullable: true },
                },
              },
              status: { type: 'object', properties: { ready: { type: 'boolean' } } },
            },
          },
        },
      },
    ],
  },
};

const user = `
import { controllerFor, done } from 'gyre';
import { Certificate, CertificateV1beta1 } from './types.js';

export const controller = controllerFor(Certificate).reconcile(async (certificate, ctx) => {
  const issuer: string = certificate.spec?.issuerRef.name ?? '';
  const port: number | string | undefined = certificate.spec?.rules?.[0]?.port;
  const odd: number | null | undefined = certificate.spec?.['odd-name'];
  ctx.status.ready = issuer !== '' && port !== undefined && odd !== null;
  await ctx.client.get(CertificateV1beta1, 'default/a');
  // @ts-expect-error no such usage
  const wrong: 'other' = certificate.spec?.usages?.[0];
  // @ts-expect-error readonly
  certificate.spec = undefined;
  return wrong ? done : done;
});
`;

async function run(args: readonly string[]): Promise<string> {
  let printed = '';
  expect(
    await generate(args, (text) => {
      printed += text;
    }),
  ).to.equal(0);
  return printed;
}

async function refusal(args: readonly string[]): Promise<UsageError> {
  try {
    await run(args);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('gyre generate types', () => {
  it('writes types that compile in strict mode and catch what is wrong', function () {
    this.timeout(60_000);
    using folder = temporaryFolder();
    const { path } = folder;
    mkdirSync(join(path, 'node_modules'));
    symlinkSync(root, join(path, 'node_modules', 'gyre'));
    for (const dependency of ['rxjs', 'reflect-metadata', 'class-validator', '@types'])
      symlinkSync(join(root, 'node_modules', dependency), join(path, 'node_modules', dependency));
    writeFileSync(join(path, 'types.ts'), typesOf([definition], 'a test'));
    writeFileSync(join(path, 'user.ts'), user);
    writeFileSync(join(path, 'package.json'), '{"type":"module"}');
    const options = { strict: true, noEmit: true, module: 'nodenext', target: 'es2023', skipLibCheck: true };
    writeFileSync(
      join(path, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['user.ts'] }),
    );
    const tsc = join(root, 'node_modules/@typescript/native/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path], { encoding: 'utf8' });
    expect(status, `${stdout}\n${readFileSync(join(path, 'types.ts'), 'utf8')}`).to.equal(0);
  });

  it('names the storage version plainly and the others after themselves, served ones only', () => {
    const text = typesOf([definition], 'a test');
    expect([...text.matchAll(/export const (\w+)/g)].map(([, name]) => name)).to.deep.equal([
      'CertificateV1beta1',
      'Certificate',
    ]);
    expect(text).to.include('@deprecated');
    expect(text).to.not.include('v1alpha1');
  });

  it('tells kinds of the same name in two groups apart', () => {
    const other = { spec: { ...definition.spec, group: 'other.io' } };
    const text = typesOf([definition, other], 'a test');
    const names = [...text.matchAll(/export interface (\w+)/g)].map(([, name]) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(names).to.include.members(['Certificate', 'OtherCertificate', 'OtherCertificateSpec']);
  });

  it('reads files of one or many documents, lists and URLs, and writes a file', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'crds.yaml');
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other' } };
    writeFileSync(file, `${JSON.stringify(config)}\n---\n${JSON.stringify(definition)}\n`);
    const list = join(folder.path, 'list.json');
    writeFileSync(list, JSON.stringify({ kind: 'List', items: [definition] }));
    const fromFile = await run(['types', '--crd', file]);
    expect(fromFile).to.include('export const Certificate:');
    expect(await run(['types', '--crd', list])).to.equal(fromFile.replace('crds.yaml', 'list.json'));
    const server = createServer((_, response) => response.end(readFileSync(list)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await run(['types', '--crd', `http://127.0.0.1:${port}/list.json`])).to.include('Certificate');
    server.close();
    const out = join(folder.path, 'types.ts');
    expect(await run(['types', '--crd', file, '--out', out])).to.equal(`1 kind written to ${out}\n`);
    expect(readFileSync(out, 'utf8')).to.equal(fromFile);
  });

  it('reads what a cluster serves', async function () {
    this.timeout(60_000);
    using folder = temporaryFolder();
    const { program, kubeconfig } = await gyreUp(folder.path, ['--no-controllers']);
    try {
      const { connect, createClient } = await import('gyre/client');
      const { CustomResourceDefinition } = await import('gyre/kinds');
      const { transport } = await connect({ kubeconfig });
      const version = definition.spec.versions[2];
      await createClient(transport).create(CustomResourceDefinition, {
        ...definition,
        spec: {
          ...definition.spec,
          names: { ...definition.spec.names, singular: 'certificate', listKind: 'CertificateList' },
          versions: [{ ...version, schema: { openAPIV3Schema: { type: 'object' } } }],
        },
      } as never);
      transport.close();
      const text = await run(['types', '--crd', 'cluster', '--kubeconfig', kubeconfig]);
      expect(text).to.include("plural: 'certificates'");
      const none = await refusal([
        'types',
        '--crd',
        'cluster',
        '--kubeconfig',
        kubeconfig,
        '--group',
        'nobody.io',
      ]);
      expect(none.message).to.include('no CustomResourceDefinition of the group nobody.io');
    } finally {
      program.kill('SIGTERM');
      await program.exited;
    }
  });

  it('says in one line what is wrong', async () => {
    using folder = temporaryFolder();
    const bad = join(folder.path, 'bad.yaml');
    writeFileSync(bad, 'a: [1\nb: }');
    const empty = join(folder.path, 'empty.yaml');
    writeFileSync(empty, 'kind: ConfigMap\n');
    for (const [args, expected] of [
      [['types'], '--crd is missing'],
      [['code'], 'cannot generate "code"'],
      [['types', '--crd', bad], bad],
      [['types', '--crd', empty], 'no CustomResourceDefinition in'],
      [['types', '--crd', join(folder.path, 'absent.yaml')], 'ENOENT'],
      [['types', '--crd', 'http://127.0.0.1:1/x'], 'http://127.0.0.1:1/x'],
      [['types', '--wrong'], 'generate types'],
    ] as const) {
      const { message, hint } = await refusal(args);
      expect(message).to.include(expected);
      expect(`${message}${hint}`).to.not.include('\n');
    }
  });
});
