/**
 * The clusters of a running Manager: its own, called `local`, and those it was given by name. For each the ways in,
 * one per identity, and one set of informers that all controllers share.
 *
 * A cluster that cannot be reached is no error here: its informers go on trying.
 */
import { type Clock, dns1123Label, type Random } from '../../api/index.js';
import { type Client, createClient } from '../../client/index.js';
import { InformerSet } from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import { type ClusterLinks, localCluster } from '../controller/cluster-links.js';
import type { InformerSource } from '../controller/watching.js';
import { RegistrationError } from '../registration/registration-error.js';
import type { ManagerTelemetry } from '../telemetry/manager-telemetry.js';
import type { Shutdown } from './shutdown.js';
import { type ClusterTarget, openTransports, type Transports } from './transports.js';

/** Which clusters a Manager works with. */
export interface ClustersOptions {
  /** Default `'auto'`. */
  readonly cluster?: ClusterTarget;
  /**
   * Further clusters by name: what `@Controller(Kind, { cluster })`, `@Watches(Kind, { cluster, map })` and
   * `ctx.cluster(name)` mean. Definitions of kinds are installed in the Manager's own cluster alone, and Leases are
   * there. One that cannot be reached holds up those who watch it, and nobody else. Default: none.
   */
  readonly clusters?: Readonly<Record<string, ClusterTarget>>;
}

export interface ConnectionDeps {
  /** Who fills the shared informers. */
  readonly identity: string;
  readonly telemetry: Pick<ManagerTelemetry, 'requests' | 'informers'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** One cluster. */
export class Connection {
  readonly informers: InformerSource;
  readonly #transports: Transports;
  readonly #deps: ConnectionDeps;
  readonly #observer: ReturnType<ManagerTelemetry['requests']>;
  readonly #informers: InformerSet;

  constructor(name: string, transports: Transports, deps: ConnectionDeps) {
    const { clock, random, log, telemetry } = deps;
    this.#transports = transports;
    this.#deps = deps;
    this.#observer = telemetry.requests(transports.host);
    this.#informers = new InformerSet(this.client(deps.identity), { clock, random, log });
    this.informers = telemetry.informers(this.#informers, name);
  }

  /** Where this process is at home in the cluster; see Transports. */
  get namespace(): string {
    return this.#transports.namespace;
  }

  /** Writes as `identity`; its requests are counted. */
  client(identity: string): Client {
    const { clock, random } = this.#deps;
    const client = createClient(this.#transports.of(identity), { fieldManager: identity, clock, random });
    return this.#observer ? client.with({ observer: this.#observer }) : client;
  }

  close(): void {
    this.#informers.stopAll();
    this.#transports.close();
  }
}

/** @throws RegistrationError for a name that cannot be one */
export function checkClusters({ clusters = {} }: ClustersOptions): void {
  for (const name of Object.keys(clusters)) {
    if (name === localCluster)
      throw new RegistrationError(
        'the Manager',
        `has a cluster named ${JSON.stringify(name)}, which is what its own is called`,
        'give it another name; its own is the option cluster',
      );
    if (dns1123Label(name).length > 0)
      throw new RegistrationError(
        'the Manager',
        `has a cluster named ${JSON.stringify(name)}`,
        "write lower-case letters, digits and '-'",
      );
  }
}

/** The names that controllers may use. */
export function namesOfClusters({ clusters = {} }: ClustersOptions): readonly string[] {
  return [localCluster, ...Object.keys(clusters)];
}

export class Connections {
  private constructor(
    readonly local: Connection,
    private readonly all: ReadonlyMap<string, Connection>,
  ) {}

  /**
   * Opens all; each is closed by `shutdown`.
   * @throws KubeconfigError when no usable configuration is found
   */
  static async open(
    { cluster = 'auto', clusters = {} }: ClustersOptions,
    deps: ConnectionDeps,
    shutdown: Shutdown,
  ): Promise<Connections> {
    const open = async (name: string, target: ClusterTarget): Promise<Connection> => {
      const log = name === localCluster ? deps.log : deps.log.with({ cluster: name });
      const connection = new Connection(name, await openTransports(target, { clock: deps.clock, log }), {
        ...deps,
        log,
      });
      shutdown.push(() => connection.close());
      return connection;
    };
    const local = await open(localCluster, cluster);
    const all = new Map([[localCluster, local]]);
    for (const [name, target] of Object.entries(clusters)) all.set(name, await open(name, target));
    return new Connections(local, all);
  }

  /** The cluster of that name, which has been checked. */
  of(name: string = localCluster): Connection {
    return this.all.get(name) ?? this.local;
  }

  /** All of them, as one identity reaches them. */
  links(identity: string): ClusterLinks {
    return new Map(
      [...this.all].map(([name, connection]) => [
        name,
        { client: connection.client(identity), informers: connection.informers },
      ]),
    );
  }
}
