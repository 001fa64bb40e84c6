/** `/healthz`, `/livez` and `/readyz`, and one check of them alone: `/readyz/ping`. */
import { type HealthChecks, reportText } from './health-checks.js';

export interface HealthEndpoints {
  readonly healthz: HealthChecks;
  readonly livez: HealthChecks;
  readonly readyz: HealthChecks;
}

export interface HealthAnswer {
  readonly status: 200 | 500;
  readonly body: string;
}

/**
 * Undefined for another path, and for a check that there is not.
 * @param query `verbose`, and `exclude` with the name of a check, as often as wanted
 */
export async function answerHealth(
  endpoints: HealthEndpoints,
  path: string,
  query: URLSearchParams,
): Promise<HealthAnswer | undefined> {
  const [, endpoint, only] = /^\/(healthz|livez|readyz)(?:\/([\w.-]+))?\/?$/.exec(path) ?? [];
  if (endpoint === undefined) return undefined;
  const checks = endpoints[endpoint as keyof HealthEndpoints];
  if (only !== undefined && !checks.has(only)) return undefined;
  const report = await checks.run({
    exclude: query.getAll('exclude'),
    ...(only === undefined ? {} : { only }),
  });
  return { status: report.ok ? 200 : 500, body: reportText(endpoint, report, query.has('verbose')) };
}
