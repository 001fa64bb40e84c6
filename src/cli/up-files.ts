/** The files that `gyre up` is told to read: who may come in, what is encrypted, what is audited. */
import { readFileSync } from 'node:fs';
import {
  type AuditOptions,
  type EncryptionConfiguration,
  readAuditPolicy,
  readEncryptionConfiguration,
  readTokenFile,
} from '../apiserver/index.js';
import { openLineFile } from '../system/index.js';
import { UsageError } from './arguments.js';

export interface AuditFiles {
  readonly policy: string;
  /** `-` is standard output. */
  readonly log: string;
}

/** @throws UsageError */
export function tokensIn(file: string): ReturnType<typeof readTokenFile> {
  try {
    return readTokenFile(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(
      `--token-auth-file ${file}: ${(error as Error).message}`,
      'each line is token,user,uid,"group1,group2"; the groups are optional',
    );
  }
}

/** @throws UsageError */
export async function encryptionIn(file: string): Promise<EncryptionConfiguration> {
  try {
    return await readEncryptionConfiguration(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(
      `--encryption-provider-config ${file}: ${(error as Error).message}`,
      'https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/ says how it is written; aesgcm and identity are known',
    );
  }
}

/** The file stays open for as long as the process lives. @throws UsageError */
export async function auditIn({ policy, log }: AuditFiles): Promise<AuditOptions> {
  const refused = (option: string, error: unknown): UsageError =>
    new UsageError(
      `--${option}: ${(error as Error).message}`,
      'https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ says how a policy is written',
    );
  const read = async (): Promise<AuditOptions['policy']> => readAuditPolicy(readFileSync(policy, 'utf8'));
  const rules = await read().catch((error: unknown) => {
    throw refused('audit-policy-file', error);
  });
  try {
    const file = openLineFile(log, ({ message }) => {
      process.stderr.write(`gyre: the audit log cannot be written: ${message}\n`);
    });
    return { policy: rules, sink: (event) => file.write(JSON.stringify(event)) };
  } catch (error) {
    throw refused('audit-log-path', error);
  }
}
