/** Prefers nodes whose cpu and memory would be used in equal shares (SC-4). */
import { maxScore, plugin } from '../framework.js';

export const balancedAllocation = plugin<undefined, true>({
  name: 'NodeResourcesBalancedAllocation',
  // A pod that asks for neither changes no balance.
  preScore: ({ requests }) => (requests.milliCpu > 0 || requests.memory > 0 ? true : undefined),
  score({ requests }, { allocatable, requested }) {
    if (allocatable.milliCpu === 0 || allocatable.memory === 0) return maxScore;
    const cpu = Math.min(1, (requested.milliCpu + requests.milliCpu) / allocatable.milliCpu);
    const memory = Math.min(1, (requested.memory + requests.memory) / allocatable.memory);
    // The standard deviation of two numbers.
    return Math.trunc((1 - Math.abs(cpu - memory) / 2) * maxScore);
  },
  wakesOn: () => false,
});
