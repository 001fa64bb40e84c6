/** What a table of rows runs against: one `gyre up`, which knows Gadgets. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createClient } from 'gyre/client';
import { CustomResourceDefinition, Namespace } from 'gyre/kinds';
import { gyreUp, temporaryFolder } from '../support/processes.js';
import { ManyOrOne } from './at-a-time.js';
import { Kubectl } from './kubectl.js';
import { gadgets } from './manifests.js';
import { type Row, runRow, type Session } from './row.js';

/** How many rows run at a time: each waits for its server most of the time. */
export const atATime = 4;

export class Table implements AsyncDisposable {
  readonly #kubeconfig: string;
  readonly #folder: string;
  readonly #client: Session['client'];
  readonly #end: () => Promise<void>;
  readonly #turns = new ManyOrOne();

  private constructor(
    kubeconfig: string,
    folder: string,
    client: Session['client'],
    end: () => Promise<void>,
  ) {
    this.#kubeconfig = kubeconfig;
    this.#folder = folder;
    this.#client = client;
    this.#end = end;
  }

  static async start(args: readonly string[]): Promise<Table> {
    const folder = temporaryFolder();
    const { program, kubeconfig } = await gyreUp(folder.path, args);
    const { transport } = await connect({ kubeconfig });
    const client = createClient(transport);
    const table = new Table(kubeconfig, folder.path, client, async () => {
      transport.close();
      await program[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    });
    const { metadata } = await client.create(CustomResourceDefinition, gadgets as never);
    await client.waitFor(CustomResourceDefinition, metadata.name, { condition: 'Established' });
    return table;
  }

  /** A kubectl with a home of its own. */
  session(binary: string, name: string): Session {
    const home = join(this.#folder, name);
    mkdirSync(home);
    return { client: this.#client, kubectl: new Kubectl(binary, this.#kubeconfig, home) };
  }

  /** Runs a row in a namespace of that name. Its pods leave their nodes to others, where there are nodes. */
  run(row: Row, namespace: string, session: Session): Promise<void> {
    return this.#turns.run(row.alone ?? false, async () => {
      await runRow(row, namespace, session);
      await this.#client.delete(Namespace, namespace);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}
