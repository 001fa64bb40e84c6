#!/usr/bin/env node
/**
 * The `kube-apiserver` of the test environments of kubebuilder projects (`KUBEBUILDER_ASSETS`): the API server in memory,
 * with the certificates a harness wrote, and the namespace controller, so that namespaces really go. Nothing else runs:
 * Deployments make no pods, as such suites expect.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiServer, listen, type Listener, readTokenFile } from '../../apiserver/index.js';
import { NamespaceController } from '../../builtin-controllers/index.js';
import { Manager } from '../../core/index.js';
import { MemoryStore } from '../../store/index.js';
import { systemClock, systemRandom, turnGate } from '../../system/index.js';
import { createLogger, type Logger } from '../../telemetry/index.js';
import { UsageError } from '../arguments.js';
import { runtimeConfigOption } from '../runtime-config-option.js';
import { helpText, parseFlags } from './flags.js';
import { untilStopped } from './until-stopped.js';

const flags = {
  'cert-dir': 'where apiserver.crt and apiserver.key are',
  'client-ca-file': 'whose client certificates are believed, PEM; default: none are',
  'secure-port': 'default 6443',
  'bind-address': 'default 127.0.0.1',
  'etcd-servers': 'accepted: the state is kept in memory',
  'authorization-mode': 'RBAC (default), or AlwaysAllow',
  'service-account-issuer': 'whom the tokens of service accounts are from',
  'service-account-key-file': 'accepted: tokens are checked with the signing key',
  'service-account-signing-key-file': 'signs the tokens of service accounts, P-256 or RSA, PEM',
  'service-cluster-ip-range': 'where addresses of Services come from; the first range counts',
  'allow-privileged': 'accepted',
  'disable-admission-plugins': 'comma-separated',
  'feature-gates': 'AggregatedDiscoveryEndpoint=false counts, others are accepted',
  'runtime-config': 'API versions to serve or not: group/version=true, api/alpha=true; default: stable ones',
  'anonymous-auth': 'false: who shows no credentials is refused (default true)',
  'token-auth-file': 'static tokens: lines of token,user,uid,"group1,group2"',
  'advertise-address': 'accepted',
  'insecure-port': 'accepted; there is none',
};

const allowAll = {
  authorize: () => ({ allowed: true }),
  authorizeNonResource: () => ({ allowed: true }),
  rulesFor: () => [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ],
};

/** What the harness wrote before it started this program. @throws Error naming what is missing */
function certificates(dir: string, clientCaFile: string | undefined) {
  const read = (file: string, flag: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new Error(`${flag}: ${(error as Error).message}`);
    }
  };
  return {
    cert: read(join(dir, 'apiserver.crt'), '--cert-dir'),
    key: read(join(dir, 'apiserver.key'), '--cert-dir'),
    ...(clientCaFile === undefined ? {} : { clientCa: read(clientCaFile, '--client-ca-file') }),
  };
}

/** A key that can sign our tokens; of another kind it is passed over, and told. */
function signingKey(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const pem = readFileSync(file, 'utf8');
  const type = createPrivateKey(pem).asymmetricKeyType;
  if (type === 'ec' || type === 'rsa') return pem;
  process.stderr.write(
    `kube-apiserver: --service-account-signing-key-file is neither EC nor RSA: a key is made\n`,
  );
  return undefined;
}

async function run(args: readonly string[]): Promise<number> {
  const given = parseFlags(args, Object.keys(flags));
  if (given.help) {
    process.stdout.write(
      helpText(
        'kube-apiserver',
        'The API server of gyre for the test environments of kubebuilder projects.',
        flags,
      ),
    );
    return 0;
  }
  for (const name of given.unknown) process.stderr.write(`kube-apiserver: ${name} is passed over\n`);
  const log = createLogger(({ level, message, fields }) => {
    process.stderr.write(`${JSON.stringify({ level, msg: message, ...fields })}\n`);
  }, 'warn');
  const runtimeConfig = runtimeConfigOption(given.value('runtime-config') ?? '');
  const pem = certificates(given.value('cert-dir') ?? '/var/run/kubernetes', given.value('client-ca-file'));
  const store = new MemoryStore({ clock: systemClock });
  const [cidr] = (given.value('service-cluster-ip-range') ?? '').split(',');
  const issuer = given.value('service-account-issuer');
  const tokenFile = given.value('token-auth-file');
  const serviceAccountKey = signingKey(given.value('service-account-signing-key-file'));
  const server = await ApiServer.start({
    store,
    clock: systemClock,
    random: systemRandom,
    log,
    disableAdmissionPlugins: (given.value('disable-admission-plugins') ?? '').split(','),
    ...(issuer === undefined ? {} : { serviceAccountIssuer: issuer }),
    ...(tokenFile === undefined ? {} : { tokens: readTokenFile(readFileSync(tokenFile, 'utf8')) }),
    anonymousAuth: given.value('anonymous-auth') !== 'false',
    aggregatedDiscovery: !(given.value('feature-gates') ?? '')
      .split(',')
      .includes('AggregatedDiscoveryEndpoint=false'),
    runtimeConfig,
    ...(cidr ? { serviceCidr: cidr } : {}),
    ...(serviceAccountKey === undefined ? {} : { serviceAccountKey }),
    ...(given.value('authorization-mode') === 'AlwaysAllow' ? { authorizer: allowAll } : {}),
  });
  // What is begun is ended, also where the next thing cannot be: what is left open would keep the process.
  const ends: (() => Promise<unknown>)[] = [() => store.close(), () => server.stop()];
  try {
    const listener = await listening(server, pem, log, {
      host: given.value('bind-address') ?? '127.0.0.1',
      port: Number(given.value('secure-port') ?? 6443),
    });
    ends.push(() => listener.close());
    const manager = Manager.create({
      cluster: (identity) => server.transport({ username: identity, groups: ['system:masters'] }),
      name: 'kube-controller-manager',
      clock: systemClock,
      random: systemRandom,
      log,
    }).register(NamespaceController);
    ends.push(() => manager.stop());
    await manager.start();
    process.stderr.write(`kube-apiserver: ready at ${listener.url}\n`);
    await untilStopped();
  } finally {
    for (const end of ends.reverse()) await end();
  }
  return 0;
}

/** @throws UsageError for a place that cannot be had */
async function listening(
  server: ApiServer,
  pem: ReturnType<typeof certificates>,
  log: Logger,
  at: { readonly host: string; readonly port: number },
): Promise<Listener> {
  try {
    return await listen(server, { ...at, ...pem, log, turn: turnGate(2) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    throw new UsageError(
      `cannot listen on ${at.host}:${at.port}: ${code === 'EADDRINUSE' ? 'it is in use' : (error as Error).message}`,
      '--bind-address and --secure-port say where; port 0 takes any free one',
    );
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`kube-apiserver: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`  ${error.hint}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
