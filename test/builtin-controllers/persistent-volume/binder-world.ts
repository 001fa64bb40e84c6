/** A cluster whose binder can be ended between any two of its writes, and started anew. */
import { expect } from 'chai';
import { type Client, compareQuantity, Manager, OutcomeUnknown, TransportError } from 'gyre';
import type { ApiRequest, Transport } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { LocalVolumes, PersistentVolumeClaimController, PersistentVolumeController } from 'gyre/controllers';
import { PersistentVolume, PersistentVolumeClaim } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { silentLogger } from '#src/telemetry/index.js';
import { lagging } from './lagging.js';
import { RememberedVolumes } from './objects.js';

/**
 * What befalls the binder's writes of claims and volumes, numbered from 0 within one life: `crash` lets nothing
 * through from the n-th on, `lost` loses the answer to the n-th alone, `refused` fails the n-th alone. And whose
 * news come late.
 */
export interface Fault {
  readonly at: number;
  readonly how: 'crash' | 'lost' | 'refused';
  readonly late?: 'persistentvolumes' | 'persistentvolumeclaims' | undefined;
  readonly lateMs?: number;
}

export class BinderWorld implements AsyncDisposable {
  readonly client: Client;
  readonly volumes = new RememberedVolumes();
  #manager: Manager | undefined;
  /** Writes of claims and volumes that the present life has tried. */
  writes = 0;
  /** Requests of the binder that fail, whenever they come. */
  denied: (request: ApiRequest) => boolean = () => false;

  private constructor(
    readonly clock: VirtualClock,
    readonly cluster: EmbeddedCluster,
  ) {
    this.client = cluster.client();
  }

  static async start(): Promise<BinderWorld> {
    const clock = new VirtualClock();
    await Manager.preload();
    return new BinderWorld(
      clock,
      await EmbeddedCluster.start({ clock, random: seededRandom(7), freeze: true }),
    );
  }

  /** One life of the binder: from start to a while later, when nothing is left to do. */
  async live(fault?: Fault): Promise<void> {
    await this.begin(fault);
    await this.clock.advance('5m');
    await this.end();
  }

  async begin(fault?: Partial<Fault>): Promise<void> {
    this.writes = 0;
    const manager = Manager.create({
      cluster: () => {
        const transport = this.#faulty(this.cluster.transport(), fault);
        return fault?.late ? lagging(transport, fault.late, this.clock, fault.lateMs) : transport;
      },
      clock: this.clock,
      random: seededRandom(11),
      log: silentLogger,
      shutdownBudget: '1s',
    })
      .provide(LocalVolumes, this.volumes as LocalVolumes)
      .register(PersistentVolumeClaimController)
      .register(PersistentVolumeController);
    this.#manager = manager;
    void manager.start();
    await this.clock.advance('10s');
  }

  async end(): Promise<void> {
    const stopping = this.#manager?.stop();
    await this.clock.advance('10s');
    await stopping;
    this.#manager = undefined;
  }

  #faulty(transport: Transport, fault: Partial<Fault> | undefined): Transport {
    const isWrite = (request: ApiRequest) =>
      request.method !== 'GET' && /\/persistentvolume/.test(request.path);
    return {
      request: async (request) => {
        const n = isWrite(request) ? this.writes++ : -1;
        if (this.denied(request)) throw new TransportError('denied');
        const dead = fault?.how === 'crash' && this.writes > (fault.at ?? 0);
        if (dead) throw new TransportError('crashed');
        if (!fault || n !== fault.at) return transport.request(request);
        if (fault.how === 'refused') throw new TransportError('refused');
        await transport.request(request);
        throw new OutcomeUnknown('no answer');
      },
      watch: (request) => transport.watch(request),
      close: () => transport.close(),
    };
  }

  async claims(): Promise<PersistentVolumeClaim[]> {
    return (await this.client.listPage(PersistentVolumeClaim)).items.slice();
  }
  async persistentVolumes(): Promise<PersistentVolume[]> {
    return (await this.client.listPage(PersistentVolume)).items.slice();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.cluster.stop();
  }
}

/** What must hold when nothing is left to do, whatever happened before. `asked`: names of claims that named their volume. */
export async function expectSoundBinds(world: BinderWorld, asked: readonly string[] = []): Promise<void> {
  const [claims, volumes] = [await world.claims(), await world.persistentVolumes()];
  const bound = claims.filter((c) => c.metadata.annotations?.['pv.kubernetes.io/bind-completed']);
  expect(new Set(bound.map((c) => c.spec?.volumeName)).size, 'one volume, one claim').to.equal(bound.length);
  for (const { metadata, spec, status } of claims) {
    if (status?.phase !== 'Bound') continue;
    const of = volumes.find((v) => v.metadata.name === spec?.volumeName);
    expect(of?.spec?.claimRef?.uid, `the volume of ${metadata.name} refers back`).to.equal(metadata.uid);
    expect(of?.status?.phase).to.equal('Bound');
    expect(status.capacity).to.deep.equal(of?.spec?.capacity);
    expect(status.accessModes).to.deep.equal(of?.spec?.accessModes);
    // Where a user promised them to each other from both sides, nobody asks whether they fit (PV-4).
    const byController = of?.metadata.annotations?.['pv.kubernetes.io/bound-by-controller'] === 'yes';
    if (asked.includes(metadata.name) && !byController) continue;
    expect(
      compareQuantity(of?.spec?.capacity?.storage ?? '0', spec?.resources?.requests?.storage ?? '0'),
      `${metadata.name} has enough`,
    ).to.be.greaterThan(-1);
    expect(of?.spec?.accessModes).to.include.members([...(spec?.accessModes ?? [])]);
    expect(of?.spec?.volumeMode).to.equal(spec?.volumeMode);
  }
  for (const { metadata, spec, status } of volumes) {
    const owner = claims.find((c) => c.metadata.uid === spec?.claimRef?.uid);
    if (owner) expect(owner.spec?.volumeName, `${metadata.name} is not held in vain`).to.equal(metadata.name);
    if (status?.phase === 'Bound') expect(owner?.status?.phase).to.equal('Bound');
  }
}
