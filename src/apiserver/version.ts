/** What `GET /version` answers: the Kubernetes version whose behaviour this server has. */
import type { JsonObject } from '../api/index.js';

export const kubernetesVersion = { major: '1', minor: '32', gitVersion: 'v1.32.0+gyre' } as const;

export function versionInfo(): JsonObject {
  return {
    ...kubernetesVersion,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}
