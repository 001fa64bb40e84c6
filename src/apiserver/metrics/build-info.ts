/** Which Kubernetes this is, as a series whose labels say it. */
import type { Registry } from '../../telemetry/index.js';
import { kubernetesVersion } from '../version.js';

export function buildInfo(registry: Registry): void {
  const { major, minor, gitVersion } = kubernetesVersion;
  const labels = { major, minor, git_version: gitVersion };
  registry
    .gauge({
      name: 'kubernetes_build_info',
      help: 'Always 1; the labels say which version of Kubernetes is served.',
      labels: ['major', 'minor', 'git_version'],
    })
    .of(labels)
    .set(1);
}
