/**
 * Runs the rows of the lifecycle table on a runtime. Every status that is ever written is seen, through a watch:
 * a row's steps are looked for in that history in order, so that what lasts an instant only can be expected too.
 */
import { expect } from 'chai';
import type { Client } from 'gyre';
import type { WatchResponse } from 'gyre/api';
import { Event, Pod } from 'gyre/kinds';
import { simulateAnnotation } from 'gyre/runtime';
import { type LifecycleCase, lifecycleCases, type Step, type World } from './cases.js';
import type { LifecycleHarness } from './harness.js';
import { matches, type PodView, viewOf } from './view.js';

/** How long a step may take unless it says otherwise. */
const defaultWithinMs = 8_000;
const stepMs = 50;

export function lifecycleSuite(title: string, start: () => Promise<LifecycleHarness>): void {
  describe(`pod lifecycle on ${title}`, () => {
    let harness: LifecycleHarness;
    let outcomes: ReadonlyMap<LifecycleCase, Promise<void>>;
    before(async function () {
      this.timeout(60_000);
      harness = await start();
      outcomes = runAll(harness);
    });
    after(async function () {
      this.timeout(60_000);
      await harness.stop();
    });
    for (const row of lifecycleCases) {
      it(row.title, async function () {
        this.timeout(120_000);
        if (row.only !== undefined && row.only !== harness.runtime) this.skip();
        await outcomes.get(row);
      });
    }
  });
}

/** Begins the rows in their order, so many at a time. */
function runAll(harness: LifecycleHarness): ReadonlyMap<LifecycleCase, Promise<void>> {
  const outcomes = new Map<LifecycleCase, Promise<void>>();
  const lanes = Array.from({ length: harness.parallel ?? 1 }, () => Promise.resolve());
  for (const [index, row] of lifecycleCases.entries()) {
    if (row.only !== undefined && row.only !== harness.runtime) continue;
    const lane = index % lanes.length;
    const outcome = (lanes[lane] as Promise<void>).then(() => run(row, `case-${index}`, harness));
    lanes[lane] = outcome.catch(() => {});
    outcome.catch(() => {});
    outcomes.set(row, outcome);
  }
  return outcomes;
}

async function run(row: LifecycleCase, name: string, harness: LifecycleHarness): Promise<void> {
  const { client, nodeName } = harness;
  const namespace = 'default';
  const history = await History.start(client, namespace, name);
  try {
    await row.before?.({ client, namespace, name, missingImage: harness.missingImage });
    const spec = typeof row.spec === 'function' ? row.spec({ missingImage: harness.missingImage }) : row.spec;
    await client.create(Pod, {
      metadata: {
        namespace,
        name,
        ...(row.simulate ? { annotations: { [simulateAnnotation]: JSON.stringify(row.simulate) } } : {}),
      },
      spec: { ...spec, nodeName },
    });
    for (const step of row.steps)
      await take(step, history, harness, { client, namespace, name, missingImage: harness.missingImage });
    await history.seeEvents(row.events ?? [], harness);
    for (const never of row.never ?? []) {
      const bad = history.views.find((view) => matches(view, never));
      expect(bad, 'a view that must never be seen').to.equal(undefined);
    }
    row.check?.(history.views.map((view, i) => ({ ...view, pod: history.pods[i] as Pod })));
  } finally {
    history.stop();
    await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0 }).catch(() => {});
  }
}

async function take(step: Step, history: History, harness: LifecycleHarness, world: World): Promise<void> {
  if ('do' in step) {
    await step.do(world);
    return;
  }
  if ('pass' in step) return harness.pass(step.pass);
  const began = harness.now();
  const within = step.withinMs ?? defaultWithinMs;
  for (;;) {
    if (step.expect === 'gone' ? history.gone : history.find(step.expect)) break;
    if (harness.now() - began > within) {
      const wanted = step.expect === 'gone' ? 'gone' : inspect(step.expect);
      throw new Error(
        `not seen within ${within} ms: ${wanted}\nlast: ${inspect(history.views.at(-1))}\nevents:\n${history.events.join('\n')}`,
      );
    }
    await harness.pass(stepMs);
  }
  const took = harness.now() - began;
  if (step.notBeforeMs !== undefined)
    expect(took, `time until ${inspect(step.expect)}`).to.be.at.least(step.notBeforeMs);
}

function inspect(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => (v instanceof RegExp ? String(v) : v), 2);
}

/** All that was ever said about one pod. */
class History {
  readonly views: PodView[] = [];
  readonly pods: Pod[] = [];
  /** `<type> <reason> <message>`, in the order they first came up. */
  readonly events: string[] = [];
  gone = false;
  #cursor = 0;
  readonly #abort = new AbortController();

  static async start(client: Client, namespace: string, name: string): Promise<History> {
    const history = new History();
    const { signal } = history.#abort;
    const pods = await client.watch(Pod, { namespace, fieldSelector: `metadata.name=${name}`, signal });
    history.#read(pods, (type, pod) => {
      if (type === 'DELETED') history.gone = true;
      history.views.push(viewOf(pod));
      history.pods.push(pod);
    });
    const fieldSelector = `involvedObject.name=${name}`;
    const events = await client.watch(Event, { namespace, fieldSelector, signal });
    history.#read(events, (type, event) => {
      if (type === 'ADDED') history.events.push(`${event.type} ${event.reason} ${event.message}`);
    });
    return history;
  }

  #read<T>(watch: WatchResponse<T>, see: (type: string, object: T) => void): void {
    const loop = async (): Promise<void> => {
      for await (const batch of watch.events)
        for (const event of batch)
          if (event.type === 'ADDED' || event.type === 'MODIFIED' || event.type === 'DELETED')
            see(event.type, event.object);
    };
    // Ends with the abort of `stop`.
    loop().catch(() => {});
  }

  /** The first view that matches, not before the one found last. */
  find(expected: unknown): PodView | undefined {
    const at = this.views.findIndex((view, i) => i >= this.#cursor && matches(view, expected));
    if (at === -1) return undefined;
    this.#cursor = at;
    return this.views[at];
  }

  /** They are all there, in this order; others may be between them. */
  async seeEvents(expected: readonly (string | RegExp)[], harness: LifecycleHarness): Promise<void> {
    const missing = (): string | RegExp | undefined => {
      let from = 0;
      for (const wanted of expected) {
        const at = this.events.findIndex((text, i) => i >= from && matches(text, wanted));
        if (at === -1) return wanted;
        from = at + 1;
      }
      return undefined;
    };
    const began = harness.now();
    while (missing() !== undefined && harness.now() - began < defaultWithinMs) await harness.pass(stepMs);
    const lost = missing();
    if (lost !== undefined) throw new Error(`no event ${lost} in this place of\n${this.events.join('\n')}`);
  }

  stop(): void {
    this.#abort.abort();
  }
}
