/** One UDP port of a Service, relayed in user space: each client keeps its target until it falls silent. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Cancel, Clock } from '../../api/index.js';
import type { Balancer } from './balancer.js';

/** A client that sends nothing for this long, ms, is forgotten; as conntrack does with UDP streams. */
const idleMs = 120_000;

interface Flow {
  readonly upstream: Socket;
  /** What came before the upstream socket was connected, a moment later. */
  early: Buffer[] | undefined;
  cancel: Cancel;
}

export class UdpPort {
  readonly #socket: Socket = createSocket('udp4');
  readonly #flows = new Map<string, Flow>();

  private constructor(
    private readonly balancer: Balancer,
    private readonly clock: Clock,
  ) {}

  /** @throws Error with code EADDRINUSE, EACCES or EADDRNOTAVAIL */
  static async listen(address: string, port: number, balancer: Balancer, clock: Clock): Promise<UdpPort> {
    const made = new UdpPort(balancer, clock);
    const socket = made.#socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.off('error', reject);
        socket.on('error', () => {});
        resolve();
      });
    });
    socket.on('message', (data, from) => made.#forward(data, from));
    return made;
  }

  close(): void {
    for (const key of this.#flows.keys()) this.#drop(key);
    this.#socket.close();
  }

  #forward(data: Buffer, from: RemoteInfo): void {
    const key = `${from.address}:${from.port}`;
    const flow = this.#flows.get(key) ?? this.#open(key, from);
    if (!flow) return;
    flow.cancel();
    flow.cancel = this.clock.setTimer(idleMs, () => this.#drop(key));
    if (flow.early) flow.early.push(data);
    else flow.upstream.send(data);
  }

  #open(key: string, from: RemoteInfo): Flow | undefined {
    const [target] = this.balancer.order(from.address);
    if (!target) return undefined;
    this.balancer.chosen(from.address, target);
    const upstream = createSocket('udp4');
    // Nobody there any more: the next datagram finds another target.
    upstream.on('error', () => this.#drop(key));
    upstream.on('message', (data) => this.#socket.send(data, from.port, from.address));
    const flow: Flow = { upstream, early: [], cancel: () => {} };
    upstream.once('connect', () => {
      for (const data of flow.early ?? []) upstream.send(data);
      flow.early = undefined;
    });
    upstream.connect(target.port, target.address);
    this.#flows.set(key, flow);
    return flow;
  }

  #drop(key: string): void {
    const flow = this.#flows.get(key);
    if (!flow) return;
    this.#flows.delete(key);
    flow.cancel();
    flow.upstream.close();
  }
}
