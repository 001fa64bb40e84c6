/** What `GET /version` answers: the Kubernetes version whose behaviour this server has. */
import type { JsonObject } from '../api/index.js';

export const kubernetesVersion = { major: '1', minor: '32', gitVersion: 'v1.32.0+gyre' } as const;

export function versionInfo(): JsonObject {
  return {
    ...kubernetesVersion,
    // Clients print these and want none of them empty: what runs here is not Go.
    gitCommit: 'gyre',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node${process.version.slice(1)}`,
    compiler: 'v8',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}
