/**
 * From an object to what is stored of it and back, for the providers of one resource. Encrypted with AES-GCM, the key it is
 * stored under as additional data: a value that was copied to another key is not believed.
 *
 * Stored is an object of one field, whose name says who can read it, as in etcd: `k8s:enc:aesgcm:v1:<key name>`.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Random } from '../../api/index.js';
import type { EncryptedResources } from './configuration.js';
import { markStale, sealedField, sealedPrefix, unreadableValue } from './values.js';

const aesgcm = `${sealedPrefix}aesgcm:v1:`;
const nonceBytes = 12;
const tagBytes = 16;

/** An AES key, or undefined for what is stored as it is. */
interface Reader {
  readonly field: string;
  readonly secret: Buffer;
}

export class Transformer {
  /** The first one writes; undefined where values are written plain. */
  readonly #writer: Reader | undefined;
  readonly #readers = new Map<string, Reader>();
  readonly #readsPlain: boolean;

  constructor(
    { providers }: EncryptedResources,
    private readonly random: Random,
  ) {
    for (const provider of providers) {
      if (!('aesgcm' in provider)) continue;
      for (const { name, secret } of provider.aesgcm.keys) {
        const field = aesgcm + name;
        if (!this.#readers.has(field))
          this.#readers.set(field, { field, secret: Buffer.from(secret, 'base64') });
      }
    }
    const [first] = providers;
    if (first && 'aesgcm' in first) this.#writer = this.#readers.get(aesgcm + first.aesgcm.keys[0]?.name);
    this.#readsPlain = providers.some((provider) => 'identity' in provider);
  }

  toStored(key: string, value: object): object {
    if (!this.#writer) return value;
    const { field, secret } = this.#writer;
    const plain = Buffer.from(JSON.stringify(value));
    // A nonce must never serve two values; made of the value as well as of chance, it does not even where chance repeats.
    const nonce = createHmac('sha256', secret)
      .update(`${this.random.uuid()} ${key} `)
      .update(plain)
      .digest()
      .subarray(0, nonceBytes);
    const cipher = createCipheriv(algorithmOf(secret), secret, nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(key));
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return { [field]: sealed.toString('base64') };
  }

  /** Never throws: what cannot be read says so when it is looked into. */
  fromStored(key: string, stored: object): object {
    const field = sealedField(stored);
    if (field === undefined) {
      if (!this.#readsPlain) return unreadableValue(key, 'no matching prefix found');
      if (this.#writer) markStale(stored);
      return stored;
    }
    const reader = this.#readers.get(field);
    if (!reader) {
      const why =
        field.startsWith(aesgcm) && this.#readers.size > 0
          ? 'no matching key was found for the provided AES-GCM transformer'
          : 'identity transformer tried to read encrypted data';
      return unreadableValue(key, why);
    }
    const value = open(reader, key, (stored as Readonly<Record<string, unknown>>)[field]);
    if (!value) return unreadableValue(key, 'cipher: message authentication failed');
    if (reader !== this.#writer) markStale(value);
    return value;
  }
}

function algorithmOf(secret: Buffer): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  return `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm`;
}

/** Undefined for what this key has not sealed for that place. */
function open({ secret }: Reader, key: string, given: unknown): object | undefined {
  const sealed = Buffer.from(typeof given === 'string' ? given : '', 'base64');
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const cipher = createDecipheriv(algorithmOf(secret), secret, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  cipher.setAAD(Buffer.from(key));
  cipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    const plain = Buffer.concat([cipher.update(sealed.subarray(nonceBytes, -tagBytes)), cipher.final()]);
    return JSON.parse(plain.toString('utf8')) as object;
  } catch {
    return undefined;
  }
}
