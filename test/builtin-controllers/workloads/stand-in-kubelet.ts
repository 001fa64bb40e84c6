/** A node without processes: binds pods, makes them ready after a while and ends them after a while. */
import { controllerFor, done, requeueAfter, resourceVersionChanged, timestamp } from 'gyre';
import { Binding, Pod } from 'gyre/kinds';

export interface StandInOptions {
  /** Milliseconds until a pod is ready. Default: up to 10 s at random. */
  readonly startAfter?: (pod: Pod, random: () => number) => number;
  /** Milliseconds until a pod that is being deleted is gone. Default: up to 10 s at random. */
  readonly endAfter?: (pod: Pod, random: () => number) => number;
  /** Pods for which this is false never become ready. */
  readonly works?: (pod: Pod) => boolean;
  readonly nodes?: number;
}

const upTo10s = (_: Pod, random: () => number): number => Math.floor(random() * 10_000);

export function standInKubelet(options: StandInOptions = {}) {
  const { startAfter = upTo10s, endAfter = upTo10s, works = () => true, nodes = 3 } = options;
  const due = new Map<string, number>();
  let bound = 0;
  return controllerFor(Pod)
    .named('stand-in-kubelet')
    .with({ maxConcurrent: 20, predicate: resourceVersionChanged })
    .reconcile(async (pod, { client, clock, random }) => {
      const { namespace = '', name, uid, deletionTimestamp } = pod.metadata;
      const ending = deletionTimestamp !== undefined;
      const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      if (!ending && !pod.spec?.nodeName) {
        const target = { apiVersion: 'v1', kind: 'Node', name: `n${bound++ % nodes}` };
        await client.createSubresource(Pod, { namespace, name }, 'binding', Binding, {
          metadata: { namespace, name },
          target,
        });
        return done;
      }
      if (!ending && (ready || !works(pod))) return done;
      const step = `${uid}/${ending}`;
      if (!due.has(step)) {
        const after = (ending ? endAfter : startAfter)(pod, () => random.next());
        due.set(step, clock.now() + after);
      }
      const left = (due.get(step) ?? 0) - clock.now();
      if (left > 0) return requeueAfter(left);
      if (ending) {
        await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
        return done;
      }
      const condition = { type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock) };
      const patch = { status: { phase: 'Running', conditions: [condition] } };
      await client.patchRaw(Pod, { namespace, name }, { type: 'merge', patch }, { subresource: 'status' });
      return done;
    });
}
