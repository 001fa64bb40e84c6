/**
 * Keep-alive pools of connections to one server. A pool belongs to certificates: when those change, new requests
 * take a new pool, and connections of the old one end with the request they carry.
 */
import http from 'node:http';
import https from 'node:https';
import { connect as connectTls } from 'node:tls';
import { type Route, sameMaterial, type TlsMaterial, tlsOptions } from './exchange.js';
import { openTunnel } from './proxy-tunnel.js';

type Connected = (error: Error | null, socket?: NodeJS.ReadWriteStream) => void;

export class Agents {
  readonly #route: Route;
  readonly #opening = new Set<http.ClientRequest>();
  readonly #retired = new Set<http.Agent>();
  #material: TlsMaterial = {};
  #agent: http.Agent | undefined;
  #tunnel: http.Agent | undefined;

  constructor(route: Route) {
    this.#route = route;
  }

  /** For requests. */
  for(material: TlsMaterial): http.Agent {
    if (this.#route.base.protocol !== 'https:') return (this.#agent ??= this.#plain());
    if (this.#agent && sameMaterial(material, this.#material)) return this.#agent;
    if (this.#agent) this.#retire(this.#agent);
    this.#material = material;
    const agent = new https.Agent({ keepAlive: true, ...tlsOptions(this.#route, material) });
    this.#agent = this.#route.proxy ? this.#tunnelled(agent) : agent;
    return this.#agent;
  }

  /** For connections that are upgraded: a proxy must not read them, even if they are not encrypted. */
  forUpgrade(material: TlsMaterial): http.Agent {
    const { base, proxy } = this.#route;
    if (base.protocol === 'https:' || !proxy) return this.for(material);
    return (this.#tunnel ??= this.#tunnelled(new http.Agent({ keepAlive: false })));
  }

  close(): void {
    for (const request of this.#opening) request.destroy(new Error('the transport was closed'));
    for (const agent of [this.#agent, this.#tunnel, ...this.#retired]) agent?.destroy();
    this.#retired.clear();
  }

  #plain(): http.Agent {
    const { Agent } = this.#route.proxy?.protocol === 'https:' ? https : http;
    return new Agent({ keepAlive: true });
  }

  #retire(agent: http.Agent): void {
    agent.maxFreeSockets = 0;
    for (const sockets of Object.values(agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
    for (const old of this.#retired) if (Object.keys(old.sockets).length === 0) this.#retired.delete(old);
    this.#retired.add(agent);
  }

  /** The same agent, whose connections begin at the proxy. */
  #tunnelled(agent: http.Agent): http.Agent {
    const { base, proxy } = this.#route;
    const createConnection = (options: object, connected: Connected): undefined => {
      openTunnel(proxy as URL, base, this.#opening).then(
        (socket) => connected(null, base.protocol === 'https:' ? connectTls({ ...options, socket }) : socket),
        (error: Error) => connected(error),
      );
    };
    return Object.assign(agent, { createConnection });
  }
}
