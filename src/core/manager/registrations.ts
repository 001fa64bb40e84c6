/** What a Manager was given to run, before it starts: controllers, Runnables, and what is injected into them. */
import type { AnyControllerDefinition, ControllerDefinition } from '../controller/definition.js';
import { checkCluster } from '../controller/cluster-links.js';
import { checkDefinition } from '../controller/definition-checks.js';
import {
  type ControllerClass,
  type ControllerPlan,
  definitionOf,
  planOf,
} from '../controller/definition-of.js';
import { type Constructor, construct, dependenciesOf } from '../registration/container.js';
import { nameOfClass, RegistrationError } from '../registration/registration-error.js';
import type { Token } from '../registration/token.js';
import { isRunnable, type Runnable } from './runnable.js';

export type AnyDefinition = ControllerDefinition<unknown>;
/** What a Manager runs. */
export type Registrable = ControllerClass | AnyControllerDefinition;

export class Registrations {
  readonly runnables: Runnable[] = [];
  readonly #providers = new Map<Token, unknown>();
  readonly #registered: (ControllerClass | AnyDefinition)[] = [];
  readonly #names = new Set<string>();

  /** @param clusters the names that controllers may use */
  constructor(private readonly clusters: readonly string[]) {}

  provide(token: Token, provider: unknown): void {
    this.#providers.set(token, provider);
  }

  /** @throws RegistrationError naming class, decorator or parameter, and the remedy */
  register(controller: Registrable): void {
    if (typeof controller === 'function') {
      const plan = planOf(controller);
      this.#checkClusters(nameOfClass(controller), plan);
      this.#claimName(plan.name);
      dependenciesOf(controller);
    } else {
      const where = `controller ${JSON.stringify(controller.name)}`;
      checkDefinition(where, controller as AnyDefinition);
      this.#checkClusters(where, controller as AnyDefinition);
      this.#claimName(controller.name);
    }
    // What reconciles one kind is given objects of that kind alone, so its type may be forgotten here.
    this.#registered.push(controller as ControllerClass | AnyDefinition);
  }

  /** @throws RegistrationError for a name that is taken, TypeError for what is no Runnable */
  add(runnable: Runnable): void {
    if (!isRunnable(runnable)) throw new TypeError('a Runnable has a name, start(context) and stop()');
    this.#claimName(runnable.name);
    this.runnables.push(runnable);
  }

  /** The controllers, each with its instance. @throws RegistrationError for what nobody provides */
  async definitions(): Promise<AnyDefinition[]> {
    const classes = this.#registered.filter((c): c is ControllerClass => typeof c === 'function');
    const instances = await construct(this.#providers, classes as Constructor[]);
    const made = new Map(classes.map((cls, i) => [cls, instances[i] as object]));
    return this.#registered.map((c) =>
      typeof c === 'function' ? definitionOf(c, made.get(c) as object) : c,
    );
  }

  #checkClusters(where: string, { cluster, watches }: Pick<ControllerPlan, 'cluster' | 'watches'>): void {
    if (cluster !== undefined) checkCluster(where, cluster, this.clusters);
    for (const watch of watches)
      if (watch.cluster !== undefined)
        checkCluster(`${where}, watching ${watch.kind.kind},`, watch.cluster, this.clusters);
  }

  #claimName(name: string): void {
    if (this.#names.has(name)) {
      throw new RegistrationError(
        `controller ${JSON.stringify(name)}`,
        'is registered twice',
        "give one of them another name, e.g. @Controller(Kind, { name: 'other' })",
      );
    }
    this.#names.add(name);
  }
}
