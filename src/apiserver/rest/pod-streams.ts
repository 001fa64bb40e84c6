/**
 * What of a pod is on its node: logs, exec, attach, port-forward (API-14). Here the request is checked and the pod or
 * container found; the NodeConnector does the rest.
 */
import {
  ApiError,
  badRequest,
  type ContainerTarget,
  FieldPath,
  fieldError,
  invalid,
  type LogOptions,
  methodNotAllowed,
  type NodeConnector,
  notFound,
  type PodTarget,
  type Status,
  type StatusCause,
} from '../../api/index.js';
import type { Pod } from '../../api/kinds/core/v1.js';
import { type Given, given } from '../builtin/given.js';
import { findCached, type RequestContext } from './context.js';
import { queryFlag } from './query-flag.js';

/** @throws ApiError BadRequest, NotFound, Invalid, ServiceUnavailable */
export async function podLog(ctx: RequestContext): Promise<AsyncIterable<Uint8Array>> {
  if (ctx.info.verb !== 'get') throw methodNotAllowed();
  const { query, signal = new AbortController().signal } = ctx.request;
  const options = logOptions(query, ctx.info.name, ctx.deps.clock.now());
  const target = targetOf(ctx, query.get('container') ?? '');
  return connector(ctx).logs(target, options, signal);
}

export interface ExecRequest {
  readonly target: ContainerTarget;
  readonly connector: NodeConnector;
  readonly attach: boolean;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** @throws ApiError BadRequest, NotFound, ServiceUnavailable */
export function podExec(ctx: RequestContext): ExecRequest {
  const { query } = ctx.request;
  const flag = (name: string): boolean => queryFlag(query, name) ?? false;
  const attach = ctx.info.subresource === 'attach';
  const command = query.getAll('command');
  const tty = flag('tty');
  const streams = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr') && !tty };
  if (!attach && command.length === 0) throw badRequest('you must specify at least 1 command');
  if (!streams.stdin && !streams.stdout && !streams.stderr)
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  const target = targetOf(ctx, query.get('container') ?? '');
  return { target, connector: connector(ctx), attach, command, tty, ...streams };
}

export interface PortForwardRequest {
  readonly target: PodTarget;
  readonly connector: NodeConnector;
  /** Asked for in the query; over SPDY each stream names its own. */
  readonly ports: readonly number[];
}

/** @throws ApiError BadRequest, NotFound, ServiceUnavailable */
export function podPortForward(ctx: RequestContext): PortForwardRequest {
  const ports = ctx.request.query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .filter((text) => text !== '')
    .map((text) => {
      const port = portNumber(text);
      if (port === undefined) throw badRequest(`unable to parse ${JSON.stringify(text)} as a port`);
      return port;
    });
  const { spec, uid } = podOf(ctx);
  return { target: boundTo(ctx, spec?.nodeName, uid), connector: connector(ctx), ports };
}

/** Undefined for what is no TCP port. */
export function portNumber(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** The way to the nodes. @throws ApiError ServiceUnavailable while there is none */
export function connector(ctx: RequestContext): NodeConnector {
  const nodes = ctx.deps.nodes();
  if (nodes) return nodes;
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'no node is connected to this API server: nothing runs here that could be asked',
    reason: 'ServiceUnavailable',
    code: 503,
  };
  throw new ApiError(status);
}

function podOf(ctx: RequestContext): Pick<Given<Pod>, 'spec'> & { readonly uid: string } {
  const cached = findCached(ctx);
  if (!cached) throw notFound(ctx.resource.facts, ctx.info.name);
  const { spec } = given<Pod>(cached.object);
  return { ...(spec ? { spec } : {}), uid: cached.object.metadata.uid };
}

function boundTo(ctx: RequestContext, nodeName = '', podUid: string): PodTarget {
  const { name, namespace } = ctx.info;
  if (nodeName === '') throw badRequest(`pod ${name} does not have a host assigned`);
  return { nodeName, namespace, pod: name, podUid };
}

function targetOf(ctx: RequestContext, asked: string): ContainerTarget {
  const { name } = ctx.info;
  const { spec, uid } = podOf(ctx);
  const regular = (spec?.containers ?? []).map((container) => container.name ?? '');
  const init = (spec?.initContainers ?? []).map((container) => container.name ?? '');
  const ephemeral = (spec?.ephemeralContainers ?? []).map((container) => container.name ?? '');
  const container = asked === '' ? onlyContainer(name, regular, init) : asked;
  if (![...regular, ...init, ...ephemeral].includes(container))
    throw badRequest(`container ${container} is not valid for pod ${name}`);
  return { ...boundTo(ctx, spec?.nodeName, uid), container };
}

function onlyContainer(pod: string, regular: readonly string[], init: readonly string[]): string {
  const [only] = regular;
  if (regular.length === 1 && only !== undefined) return only;
  const others = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  throw badRequest(
    `a container name must be specified for pod ${pod}, choose one of: [${regular.join(' ')}]${others}`,
  );
}

function logOptions(query: URLSearchParams, pod: string, now: number): LogOptions {
  const causes: StatusCause[] = [];
  const flag = (name: string): boolean => queryFlag(query, name) ?? false;
  const integer = (name: string, least: number, words: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    if (!/^-?\d{1,18}$/.test(text))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    const value = Number(text);
    if (value < least) causes.push(fieldError.invalid(FieldPath.of(name), value, words));
    return value;
  };
  const tailLines = integer('tailLines', 0, 'must be greater than or equal to 0');
  const limitBytes = integer('limitBytes', 1, 'must be greater than 0');
  const sinceSeconds = integer('sinceSeconds', 1, 'must be greater than 0');
  const since = query.get('sinceTime') ?? '';
  if (since !== '' && Number.isNaN(Date.parse(since)))
    throw badRequest(`parsing time ${JSON.stringify(since)}: not an RFC 3339 time`);
  if (since !== '' && sinceSeconds !== undefined) {
    const message = 'at most one of `sinceTime` or `sinceSeconds` may be specified';
    causes.push(fieldError.forbidden(FieldPath.of('sinceSeconds'), message));
  }
  if (causes.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, pod, causes);
  const sinceTime =
    since !== '' ? Date.parse(since) : sinceSeconds === undefined ? undefined : now - sinceSeconds * 1000;
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
}
