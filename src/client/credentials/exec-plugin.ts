/**
 * Credential plugins: a program that is run for a token or a client certificate
 * (`client.authentication.k8s.io`, v1 and v1beta1).
 *
 * Guarantees: it is run when a credential is first needed, when that one has expired, and once after the server
 * refused it; requests that need it at the same time share one run, which none of them can cut short for the
 * others. What it prints on its output is never shown: it is a secret.
 */
import { resolve } from 'node:path';
import type { Clock } from '../../api/index.js';
import { KubeconfigError } from '../config/kubeconfig-error.js';
import type { ChosenContext, ExecEntry } from '../config/kubeconfig-files.js';
import { type Credential, type CredentialSource, sameCredential } from './credential.js';
import { unlessAborted } from '../unless-aborted.js';

const versions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const modes = ['Never', 'IfAvailable', 'Always'];
/** Under which name a cluster carries configuration for plugins. */
const clusterExtension = 'client.authentication.k8s.io/exec';
/** More than any credential needs. */
const maxOutputBytes = 1024 * 1024;

export interface ExecPluginOptions {
  readonly entry: ExecEntry;
  readonly chosen: Pick<ChosenContext, 'source' | 'context' | 'cluster' | 'userDir'>;
  /** The cluster's authority, told to plugins that ask for it. */
  readonly ca?: string | (() => string) | undefined;
  readonly clock: Clock;
  /** Whether somebody could answer a question. Default: whether standard input is a terminal. */
  readonly interactive?: boolean;
}

/** @throws KubeconfigError when it is not said how the plugin is to be run */
export function execCredentials(options: ExecPluginOptions): CredentialSource {
  return new ExecPlugin(options);
}

interface Held {
  readonly credential: Credential;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

class ExecPlugin implements CredentialSource {
  readonly #options: ExecPluginOptions;
  readonly #command: string;
  readonly #apiVersion: string;
  readonly #mode: string;
  readonly #who: string;
  #held: Held | undefined;
  #running: Promise<Credential> | undefined;

  constructor(options: ExecPluginOptions) {
    const { entry, chosen } = options;
    this.#options = options;
    this.#who = `${chosen.source}: the credential plugin of user ${JSON.stringify(chosen.context.user ?? '')}`;
    const { apiVersion = '', command, interactiveMode } = entry;
    if (!versions.includes(apiVersion))
      throw new KubeconfigError(
        `${this.#who} speaks ${JSON.stringify(apiVersion)}, not one of ${versions.join(', ')}`,
      );
    if (!command) throw new KubeconfigError(`${this.#who} names no command`);
    if (interactiveMode === undefined && apiVersion === versions[0])
      throw new KubeconfigError(`${this.#who} must say its interactiveMode: ${modes.join(', ')}`);
    this.#mode = interactiveMode ?? 'IfAvailable';
    if (!modes.includes(this.#mode))
      throw new KubeconfigError(
        `${this.#who} has the interactiveMode ${JSON.stringify(this.#mode)}, not one of ${modes.join(', ')}`,
      );
    this.#apiVersion = apiVersion;
    // A path is relative to the file that names it; a bare name is looked up in PATH.
    this.#command = /[/\\]/.test(command) ? resolve(chosen.userDir, command) : command;
  }

  async current(signal?: AbortSignal): Promise<Credential> {
    if (this.#held && this.#options.clock.now() < this.#held.expiresAt) return this.#held.credential;
    this.#held = undefined;
    this.#running ??= this.#renew();
    return unlessAborted(this.#running, signal);
  }

  refused(credential: Credential): void {
    // Somebody else may have fetched a new one since.
    if (this.#held && sameCredential(this.#held.credential, credential)) this.#held = undefined;
  }

  async #renew(): Promise<Credential> {
    try {
      this.#held = this.#read(await this.#run());
      return this.#held.credential;
    } finally {
      this.#running = undefined;
    }
  }

  async #run(): Promise<string> {
    const { entry } = this.#options;
    const available = this.#options.interactive ?? process.stdin.isTTY === true;
    if (this.#mode === 'Always' && !available)
      throw new KubeconfigError(`${this.#who} needs a terminal to ask on, and standard input is none`);
    const interactive = available && this.#mode !== 'Never';
    const env = {
      ...process.env,
      ...Object.fromEntries((entry.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(this.#info(interactive)),
    };
    const { spawn } = await import('node:child_process');
    return new Promise((resolvePromise, reject) => {
      const child = spawn(this.#command, entry.args ?? [], {
        env,
        stdio: [interactive ? 'inherit' : 'ignore', 'pipe', interactive ? 'inherit' : 'pipe'],
        windowsHide: true,
      });
      const output: Buffer[] = [];
      let bytes = 0;
      let complaint = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxOutputBytes) child.kill('SIGKILL');
        else output.push(chunk);
      });
      child.stderr?.on('data', (chunk: Buffer) => {
        complaint = (complaint + chunk.toString('utf8')).slice(-1000);
      });
      child.once('error', (error: NodeJS.ErrnoException) => {
        // Of a name alone, EACCES says that a folder on PATH may not be looked into: it was not found all the same.
        const byName = !this.#command.includes('/');
        const missing = error.code === 'ENOENT' || (error.code === 'EACCES' && byName);
        const why = missing ? `${this.#command} was not found` : error.message;
        reject(this.#failure(`could not be run: ${why}`, error));
      });
      child.once('close', (code, killedBy) => {
        if (code === 0 && bytes <= maxOutputBytes) {
          resolvePromise(Buffer.concat(output).toString('utf8'));
          return;
        }
        const ended = bytes > maxOutputBytes ? 'printed too much' : `ended with ${code ?? killedBy}`;
        const said = complaint.trim();
        reject(this.#failure(`${this.#command} ${ended}${said === '' ? '' : `: ${said}`}`));
      });
    });
  }

  #failure(what: string, cause?: unknown): KubeconfigError {
    const { installHint } = this.#options.entry;
    const hint = installHint ? `\n${installHint.trim()}` : '';
    return new KubeconfigError(`${this.#who}: ${what}${hint}`, cause === undefined ? {} : { cause });
  }

  /** The ExecCredential the plugin finds in its environment. */
  #info(interactive: boolean): object {
    const spec = {
      ...(this.#options.entry.provideClusterInfo ? { cluster: this.#cluster() } : {}),
      interactive,
    };
    return { apiVersion: this.#apiVersion, kind: 'ExecCredential', spec };
  }

  #cluster(): object {
    const { ca, chosen } = this.#options;
    const { cluster } = chosen;
    const pem = typeof ca === 'function' ? ca() : ca;
    const config = cluster.extensions?.find(({ name }) => name === clusterExtension)?.extension;
    return {
      server: cluster.server,
      ...(cluster['tls-server-name'] ? { 'tls-server-name': cluster['tls-server-name'] } : {}),
      ...(cluster['insecure-skip-tls-verify'] ? { 'insecure-skip-tls-verify': true } : {}),
      ...(pem === undefined
        ? {}
        : { 'certificate-authority-data': Buffer.from(pem, 'utf8').toString('base64') }),
      ...(cluster['proxy-url'] ? { 'proxy-url': cluster['proxy-url'] } : {}),
      ...(config === undefined ? {} : { config }),
    };
  }

  #read(output: string): Held {
    let answer: {
      readonly apiVersion?: unknown;
      readonly kind?: unknown;
      readonly status?: {
        readonly token?: unknown;
        readonly clientCertificateData?: unknown;
        readonly clientKeyData?: unknown;
        readonly expirationTimestamp?: unknown;
      };
    };
    try {
      answer = JSON.parse(output);
    } catch {
      // The parser's message would quote the secret.
      throw this.#failure(`${this.#command} printed what is not JSON`);
    }
    if (answer?.kind !== 'ExecCredential' || answer.apiVersion !== this.#apiVersion)
      throw this.#failure(`${this.#command} printed no ExecCredential of ${this.#apiVersion}`);
    const text = (value: unknown): string | undefined =>
      typeof value === 'string' && value !== '' ? value : undefined;
    const token = text(answer.status?.token);
    const cert = text(answer.status?.clientCertificateData);
    const key = text(answer.status?.clientKeyData);
    if ((cert === undefined) !== (key === undefined))
      throw this.#failure(`${this.#command} gave a client certificate or its key, but not both`);
    if (token === undefined && cert === undefined)
      throw this.#failure(`${this.#command} gave neither a token nor a client certificate`);
    const expiry = answer.status?.expirationTimestamp;
    const expiresAt =
      expiry === undefined || expiry === null ? Number.POSITIVE_INFINITY : Date.parse(String(expiry));
    if (Number.isNaN(expiresAt))
      throw this.#failure(`${this.#command} gave an expirationTimestamp that is no RFC 3339 time`);
    const credential = {
      ...(token === undefined ? {} : { token }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    };
    return { credential, expiresAt };
  }
}
