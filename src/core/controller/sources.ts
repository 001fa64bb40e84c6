/**
 * Keys that come from elsewhere than a watch: Observables of the author's, and timers. A source that fails is
 * subscribed to again with growing, jittered back-off, which begins anew after it lived for a while; a timer that fails is called again at its next turn.
 */
import { type Cancel, durationMs, type NamespacedName } from '../../api/index.js';
import type {
  ControllerDefinition,
  RequestKey,
  SourceContext,
  SourceDefinition,
  TimerDefinition,
} from './definition.js';
import type { Trigger } from './observer.js';
import { requestKey } from './watching.js';

const firstBackoffMs = 1_000;
const maxBackoffMs = 60_000;

type Add = (key: RequestKey, trigger: Trigger) => void;

/** Starts all; the signal of the context ends them. */
export function startSources(
  { sources = [], timers = [] }: Pick<ControllerDefinition<never>, 'sources' | 'timers'>,
  context: SourceContext,
  add: Add,
): void {
  for (const source of sources) follow(source, context, add);
  for (const timer of timers) repeat(timer, context, add);
}

function follow(source: SourceDefinition, context: SourceContext, add: Add): void {
  const { clock, random, signal } = context;
  const log = context.log.with({ source: source.name });
  let failures = 0;
  let subscribedAt = 0;
  let end: Cancel = () => {};
  const failed = (error: unknown): void => {
    if (clock.monotonic() - subscribedAt >= maxBackoffMs) failures = 0;
    const ms =
      Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(failures++, 10)) * (0.5 + random.next() / 2);
    log.error('a source failed; it is subscribed to again', { error: String(error), retryInMs: ms });
    end = clock.setTimer(ms, subscribe);
  };
  const subscribe = (): void => {
    subscribedAt = clock.monotonic();
    try {
      const subscription = source.keys(context).subscribe({
        next: (key) => deliver(log, [key], add, 'source'),
        error: (error: unknown) => {
          if (!signal.aborted) failed(error);
        },
        complete: () => log.debug('a source has ended'),
      });
      // One that failed at once has armed a timer already.
      if (!subscription.closed) end = () => subscription.unsubscribe();
    } catch (error) {
      failed(error);
    }
    if (signal.aborted) end();
  };
  signal.addEventListener('abort', () => end(), { once: true });
  subscribe();
}

function repeat(timer: TimerDefinition, context: SourceContext, add: Add): void {
  const { clock, signal } = context;
  const log = context.log.with({ timer: timer.name });
  const every = durationMs(timer.every);
  let cancel: Cancel = () => {};
  const arm = (): void => {
    if (!signal.aborted) cancel = clock.setTimer(every, () => void tick());
  };
  const tick = async (): Promise<void> => {
    try {
      const keys = await timer.run(context);
      if (keys) deliver(log, keys, add, 'timer');
    } catch (error) {
      if (!signal.aborted) log.error('a timer failed', { error: String((error as Error)?.stack ?? error) });
    }
    arm();
  };
  signal.addEventListener('abort', () => cancel(), { once: true });
  arm();
}

function deliver(
  log: SourceContext['log'],
  keys: readonly (RequestKey | NamespacedName)[],
  add: Add,
  reason: Trigger['reason'],
): void {
  for (const key of keys) {
    const text = typeof key === 'string' || typeof key?.name === 'string' ? requestKey(key) : undefined;
    if (text) add(text, { reason });
    else log.error('what came is no key of an object', { key: String(key) });
  }
}
