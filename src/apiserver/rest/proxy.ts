/**
 * The proxy subresource of pods, services and nodes (API-14): `…/[scheme:]name[:port]/proxy/path` is passed on to what
 * listens there. Here it is found out who that is; `http/proxy.ts` carries the request.
 */
import type { Duplex } from 'node:stream';
import {
  ApiError,
  badRequest,
  isApiError,
  type NodeConnector,
  notFound,
  type PodTarget,
  type Status,
} from '../../api/index.js';
import type { Pod, Service } from '../../api/kinds/core/v1.js';
import { given } from '../builtin/given.js';
import { storagePrefix } from '../cache/watch-cache.js';
import { connectOutside } from '../streams/outside.js';
import { portDuplex } from '../streams/port-duplex.js';
import { addresses } from '../webhooks/service-resolver.js';
import type { RequestContext } from './context.js';
import { connector, portNumber } from './pod-streams.js';
import { splitProxyPath } from './request.js';

export interface ProxyRequest {
  readonly scheme: 'http' | 'https';
  /** The server's own part of the path, percent-encoded, without a slash at its end. */
  readonly prefix: string;
  /** What is asked for behind it, percent-encoded; `''` where the path ends with `proxy`. */
  readonly path: string;
  /** Sent along, in place of what the client has sent by these names. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** @throws ApiError ServiceUnavailable: `error trying to reach service: …` */
  dial(signal: AbortSignal): Promise<Duplex>;
}

interface Named {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  readonly port: string;
}

/** @throws ApiError BadRequest, NotFound, ServiceUnavailable */
export function proxyRequest(ctx: RequestContext): ProxyRequest {
  const { resource, request, info } = ctx;
  const { plural } = resource.facts;
  const split = splitProxyPath(request.path);
  const named = parseName(info.name);
  if (!split || !named)
    throw badRequest(`invalid ${plural.slice(0, -1)} request ${JSON.stringify(info.name)}`);
  const { scheme } = named;
  const dial =
    plural === 'pods'
      ? toPod(ctx, named)
      : plural === 'services'
        ? toService(ctx, named)
        : toNode(ctx, named);
  return {
    scheme,
    prefix: split.prefix,
    path: split.rest,
    dial: async (signal) => {
      try {
        return await dial(signal);
      } catch (error) {
        if (isApiError(error)) throw error;
        throw unavailable(`error trying to reach service: ${(error as Error).message}`);
      }
    },
  };
}

/** `name`, `name:port` or `scheme:name:port`. */
function parseName(text: string): Named | undefined {
  const parts = text.split(':');
  const [scheme, name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme ?? '')) return undefined;
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port };
}

type Dial = (signal: AbortSignal) => Promise<Duplex>;

const pods = storagePrefix({ group: '', plural: 'pods' });
const services = storagePrefix({ group: '', plural: 'services' });
const nodes = storagePrefix({ group: '', plural: 'nodes' });

/** Without a port in the request the first one the pod declares is meant. */
function toPod(ctx: RequestContext, { name, port, scheme }: Named): Dial {
  const { spec, target } = podNamed(ctx, name);
  const declared = spec?.containers?.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  const text = port === '' ? String(declared ?? (scheme === 'https' ? 443 : 80)) : port;
  const number = portNumber(text);
  if (number === undefined)
    throw unavailable(`error trying to reach service: dial tcp: lookup tcp/${text}: unknown port`);
  return dialPod(connector(ctx), target, number);
}

/** The service's port by number or name; `''` is the one without a name. */
function toService(ctx: RequestContext, { name, port }: Named): Dial {
  const { cache, random } = ctx.deps;
  const { namespace } = ctx.info;
  const found = cache.resource(services).get(`${services}${namespace}/${name}`);
  if (!found) throw notFound(ctx.resource.facts, name);
  const { spec } = given<Service>(found.object);
  let portName = port;
  const number = portNumber(port);
  if (number !== undefined) {
    const served = spec?.ports?.find((each) => each.port === number);
    if (!served) throw unavailable(`no service port ${number} found for service ${JSON.stringify(name)}`);
    portName = served.name ?? '';
  }
  const all = addresses(cache, namespace, name, portName);
  const one = all[Math.floor(random.next() * all.length)];
  if (!one) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  if (one.pod === undefined) return (signal) => connectOutside(one, signal);
  const { target } = podNamed(ctx, one.pod);
  return dialPod(connector(ctx), target, one.port);
}

/** A node of this process has no HTTP of its own: its kubelet is asked in process. */
function toNode(ctx: RequestContext, { name }: Named): Dial {
  if (!ctx.deps.cache.resource(nodes).get(`${nodes}${name}`)) throw notFound(ctx.resource.facts, name);
  throw unavailable(
    `error trying to reach service: the kubelet of node ${JSON.stringify(name)} listens on no port; logs, exec, attach and portforward of its pods reach it`,
  );
}

function podNamed(
  ctx: RequestContext,
  name: string,
): { readonly spec: ReturnType<typeof given<Pod>>['spec']; readonly target: PodTarget } {
  const { namespace } = ctx.info;
  const found = ctx.deps.cache.resource(pods).get(`${pods}${namespace}/${name}`);
  if (!found) throw notFound({ group: '', plural: 'pods' }, name);
  const { spec } = given<Pod>(found.object);
  const nodeName = spec?.nodeName ?? '';
  if (nodeName === '') throw badRequest(`pod ${name} does not have a host assigned`);
  return { spec, target: { nodeName, namespace, pod: name, podUid: found.object.metadata.uid } };
}

function dialPod(nodesOf: NodeConnector, target: PodTarget, port: number): Dial {
  return async (signal) => portDuplex(await nodesOf.dial(target, port, signal));
}

export function unavailable(message: string): ApiError {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'ServiceUnavailable',
    code: 503,
  };
  return new ApiError(status);
}
