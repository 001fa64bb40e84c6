/** Lifecycle hooks (KL-7, KL-8). */
import { type Clock, type Shared, sleep } from '../../api/index.js';
import type { LifecycleHandler, Pod } from '../../api/kinds/core/v1.js';
import type { ContainerRuntime } from '../container-runtime.js';
import type { PodContainer } from './containers.js';
import { probeAction } from './prober.js';

export class HookFailure extends Error {
  override readonly name = 'HookFailure';
}

export interface HookContext {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly pod: Shared<Pod>;
  readonly podIP: string;
}

/** Runs a hook to its end, for at most `budgetMs`. @throws HookFailure with the kubelet's words */
export async function runHook(
  hook: Shared<LifecycleHandler>,
  container: PodContainer,
  containerId: string,
  budgetMs: number,
  { runtime, clock, pod, podIP }: HookContext,
): Promise<void> {
  if (hook.sleep) {
    await sleep(clock, Math.min(budgetMs, hook.sleep.seconds * 1000));
    return;
  }
  if (hook.exec) {
    const command = hook.exec.command ?? [];
    const result = await runtime.execSync(containerId, command, budgetMs);
    if (result.exitCode !== 0) {
      throw new HookFailure(
        `Exec lifecycle hook (${JSON.stringify(command)}) for Container "${container.name}" in Pod "${pod.metadata.name}" failed - error: command '${command.join(' ')}' exited with ${result.exitCode}: ${result.stderr}, message: ${JSON.stringify(result.stdout)}`,
      );
    }
    return;
  }
  const action = probeAction(hook, container, podIP, pod);
  // A tcpSocket handler was never carried out by anybody.
  if (action?.type !== 'httpGet') return;
  const result = await runtime.probe(containerId, action, budgetMs);
  if (result.outcome !== 'success') {
    throw new HookFailure(
      `HTTP lifecycle hook (${action.path}) for Container "${container.name}" in Pod "${pod.metadata.name}" failed - error: ${result.message}`,
    );
  }
}
