/** Which kind is written by which strategy. */
import { deploymentStrategy, replicaSetStrategy } from './apps/deployment.js';
import { configMapStrategy, secretStrategy } from './core/config.js';
import { namespaceStrategy, serviceAccountStrategy } from './core/namespace.js';
import { podStrategy, podTemplateStrategy } from './core/pod.js';
import type { KindStrategy } from './strategy.js';

const strategies = new Map(
  [
    configMapStrategy,
    secretStrategy,
    namespaceStrategy,
    serviceAccountStrategy,
    podStrategy,
    podTemplateStrategy,
    deploymentStrategy,
    replicaSetStrategy,
  ].map((strategy) => [`${strategy.group}/${strategy.kind}`, strategy]),
);

/** The strategy of a built-in kind; a neutral one, without rules of its own, for all others. */
export function strategyFor(group: string, kind: string): KindStrategy {
  return strategies.get(`${group}/${kind}`) ?? { group, kind };
}
