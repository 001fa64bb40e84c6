/**
 * Preview: what one reconcile would change, without changing it. Reads are live; writes are sent as dry runs, so
 * that admission, defaulting and validation have their say, and are recorded beside what is there now.
 *
 * What it cannot show: what follows from a change, as nothing was changed; and what a cleanup does outside of the
 * cluster, which is why objects that are being deleted are refused.
 */
import {
  type ApiRequest,
  type ApiResponse,
  type Clock,
  type JsonObject,
  type Random,
  type Transport,
} from '../../api/index.js';
import { createClient } from '../../client/index.js';
import { InformerSet } from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import {
  type AnyControllerDefinition,
  type ControllerDefinition,
  type RequestKey,
} from '../controller/definition.js';
import { ControllerRunner } from '../controller/controller-runner.js';
import type { Outcome } from '../queue/runner.js';
import { NEVER } from 'rxjs';
import { changedFields, describeFields, isSecret } from './changed-fields.js';
import { permissionOf } from './permissions.js';

export interface PreviewedChange {
  /** Absent: the one the controller is in. */
  readonly cluster?: string;
  readonly verb: string;
  /** `deployments.apps/status default/web`. */
  readonly target: string;
  /** What is there now; undefined when there is nothing. */
  readonly before: JsonObject | undefined;
  /** What would be there; undefined when it would be gone. */
  readonly after: JsonObject | undefined;
  /** Why the server would refuse it. */
  readonly refused?: string;
}

export interface Preview {
  readonly outcome: Outcome<RequestKey>;
  readonly changes: readonly PreviewedChange[];
  /** The changes as a diff for people; values of Secrets are not shown. */
  readonly text: string;
}

export interface PreviewOptions {
  /** To the cluster the controller is in. */
  readonly transport: Transport;
  /** To others that it names. Nothing is changed there either. */
  readonly clusters?: Readonly<Record<string, Transport>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/**
 * Runs the controller once for one object.
 * @throws TypeError when there is no such object, or it is being deleted
 */
export async function preview(
  definition: AnyControllerDefinition,
  key: RequestKey,
  options: PreviewOptions,
): Promise<Preview> {
  const { clock, random, log } = options;
  const { name } = definition;
  const changes: PreviewedChange[] = [];
  const recorder = new DryRuns(options.transport, changes);
  const client = createClient(recorder, { fieldManager: name });
  const object = (await client.find(definition.kind as never, key as never)) as
    | { readonly metadata: { readonly deletionTimestamp?: string } }
    | undefined;
  if (!object) throw new TypeError(`there is no ${definition.kind.kind} ${key} to preview`);
  if (object.metadata.deletionTimestamp !== undefined)
    throw new TypeError(`${definition.kind.kind} ${key} is being deleted: its cleanup cannot be previewed`);
  const informers = new InformerSet(client, { clock, random, log });
  const elsewhere = Object.entries(options.clusters ?? {}).map(([cluster, transport]) => {
    const there = createClient(new DryRuns(transport, changes, cluster), { fieldManager: name });
    return [cluster, { client: there, informers: new InformerSet(there, { clock, random, log }) }] as const;
  });
  const runner = new ControllerRunner({
    definition: { ...(definition as unknown as ControllerDefinition<unknown>), sources: [], timers: [] },
    client,
    informers,
    clusters: new Map(elsewhere),
    clock,
    random,
    log,
    shutdownBudgetMs: 0,
    // This one key, and no other.
    admission: {
      term: (of) => (of === key ? { signal: new AbortController().signal, assertHeld: () => {} } : undefined),
      gained$: NEVER,
    },
  });
  try {
    const outcome = await new Promise<Outcome<RequestKey>>((resolve, reject) => {
      runner.outcomes$.subscribe((each) => {
        if (each.key === key) resolve(each);
      });
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error), {
        once: true,
      });
      runner.start().catch(reject);
    });
    return { outcome, changes, text: changes.map(describe).join('\n') };
  } finally {
    await runner.stop();
    for (const [, there] of elsewhere) there.informers.stopAll();
    informers.stopAll();
  }
}

/** A Transport whose writes change nothing. */
class DryRuns implements Transport {
  constructor(
    private readonly inner: Transport,
    private readonly changes: PreviewedChange[],
    private readonly cluster?: string,
  ) {}

  async request(request: ApiRequest): Promise<ApiResponse> {
    if (request.method === 'GET') return this.inner.request(request);
    const permission = permissionOf(request);
    // Events tell of what happened; nothing does here.
    if (permission?.resource === 'events') return { status: 201, headers: {}, body: request.body };
    const before = await this.#present(request);
    const response = await this.inner.request({ ...request, query: { ...request.query, dryRun: 'All' } });
    const {
      verb = request.method,
      group = '',
      resource = request.path,
      subresource,
      namespace,
      name,
    } = permission ?? {};
    const answer = response.body as JsonObject;
    const ok = response.status < 300;
    const given = (answer?.metadata as { name?: string } | undefined)?.name;
    this.changes.push({
      ...(this.cluster ? { cluster: this.cluster } : {}),
      verb,
      target: `${resource}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''} ${[namespace, name ?? given].filter(Boolean).join('/')}`,
      before,
      after: ok && verb !== 'delete' ? answer : undefined,
      ...(ok ? {} : { refused: String(answer?.message ?? response.status) }),
    });
    return response;
  }

  watch<T>(request: ApiRequest) {
    return this.inner.watch<T>(request);
  }

  close(): void {}

  async #present({ method, path, signal }: ApiRequest): Promise<JsonObject | undefined> {
    if (method === 'POST') return undefined;
    const { status, body } = await this.inner.request({ method: 'GET', path, ...(signal ? { signal } : {}) });
    return status < 300 ? (body as JsonObject) : undefined;
  }
}

function describe({ cluster, verb, target, before, after, refused }: PreviewedChange): string {
  const head = `${verb} ${target}${cluster ? ` of ${cluster}` : ''}`;
  if (refused !== undefined) return `! ${head}\n    refused: ${refused}`;
  if (!after) return `- ${head}`;
  if (!before) return `+ ${head}\n${shown(after)}`;
  const fields = describeFields(changedFields(before, after), isSecret(after));
  if (fields.length === 0) return `= ${head}`;
  return [`~ ${head}`, ...fields.map((line) => `    ${line}`)].join('\n');
}

/** A new object without what the server fills in. */
function shown(object: JsonObject): string {
  const { metadata, status: _, ...rest } = object;
  const {
    managedFields: _m,
    uid: _u,
    resourceVersion: _r,
    creationTimestamp: _c,
    generation: _g,
    ...own
  } = (metadata ?? {}) as JsonObject;
  const visible = isSecret(object) ? { ...rest, data: '(hidden)', stringData: '(hidden)' } : rest;
  return JSON.stringify({ ...visible, metadata: own }, null, 2)
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
