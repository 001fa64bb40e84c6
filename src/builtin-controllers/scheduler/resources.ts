/**
 * Amounts of resources as plain numbers, which the hot loop compares and adds: millicores of cpu, bytes of
 * memory and ephemeral storage, whole units of everything else.
 */
import { quantityMillis, quantityUnits } from 'gyre';
import type { Pod } from 'gyre/kinds';

type Quantities = Readonly<Record<string, string | number>>;
type Container = Pod['spec']['containers'][number];

/** What a container that asks for nothing counts as when nodes are scored (SC-6). */
const unaskedMilliCpu = 100;
const unaskedMemory = 200 * 1024 * 1024;

export class Resources {
  milliCpu = 0;
  memory = 0;
  ephemeralStorage = 0;
  /** Extended resources, huge pages and the like; absent where there are none. */
  others: Map<string, number> | undefined;

  /** What a `requests` or `allocatable` says; the pod count is not among it. */
  static of(quantities: Quantities | undefined): Resources {
    const amounts = new Resources();
    for (const [name, quantity] of Object.entries(quantities ?? {})) {
      if (name === 'cpu') amounts.milliCpu = quantityMillis(quantity);
      else if (name === 'memory') amounts.memory = quantityUnits(quantity);
      else if (name === 'ephemeral-storage') amounts.ephemeralStorage = quantityUnits(quantity);
      else if (name !== 'pods') {
        amounts.others ??= new Map();
        amounts.others.set(name, quantityUnits(quantity));
      }
    }
    return amounts;
  }

  /** Adds `times` times the other, in place. */
  add(other: Resources, times: 1 | -1 = 1): void {
    this.milliCpu += times * other.milliCpu;
    this.memory += times * other.memory;
    this.ephemeralStorage += times * other.ephemeralStorage;
    if (!other.others) return;
    this.others ??= new Map();
    for (const [name, amount] of other.others) {
      const sum = (this.others.get(name) ?? 0) + times * amount;
      if (sum === 0) this.others.delete(name);
      else this.others.set(name, sum);
    }
  }

  /** Raises each amount to at least the other's, in place. */
  raiseTo(other: Resources): void {
    this.milliCpu = Math.max(this.milliCpu, other.milliCpu);
    this.memory = Math.max(this.memory, other.memory);
    this.ephemeralStorage = Math.max(this.ephemeralStorage, other.ephemeralStorage);
    for (const [name, amount] of other.others ?? []) {
      this.others ??= new Map();
      this.others.set(name, Math.max(this.others.get(name) ?? 0, amount));
    }
  }
}

/**
 * What a pod needs at the same time at most (SC-6): its containers and sidecars together, or the neediest
 * moment of its init containers, whichever is more; and the overhead of its runtime class.
 */
export function podRequests(spec: Pod['spec']): Resources {
  return together(spec, (container) => Resources.of(container.resources?.requests));
}

/** The same for scoring, where a container that asks for no cpu or memory counts as a little (SC-6). */
export function podScoringRequests(spec: Pod['spec']): Resources {
  return together(spec, (container) => {
    const { requests } = container.resources ?? {};
    const amounts = Resources.of(requests);
    if (requests?.cpu === undefined) amounts.milliCpu = unaskedMilliCpu;
    if (requests?.memory === undefined) amounts.memory = unaskedMemory;
    return amounts;
  });
}

function together(spec: Pod['spec'], of: (container: Container) => Resources): Resources {
  const sum = new Resources();
  for (const container of spec.containers) sum.add(of(container));
  const sidecars = new Resources();
  const neediest = new Resources();
  for (const container of spec.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === 'Always') {
      sum.add(own);
      sidecars.add(own);
      neediest.raiseTo(sidecars);
    } else {
      // It runs beside the sidecars that were started before it.
      own.add(sidecars);
      neediest.raiseTo(own);
    }
  }
  sum.raiseTo(neediest);
  if (spec.overhead) sum.add(Resources.of(spec.overhead));
  return sum;
}
