/** Metrics as an answer: in whichever text format the client likes best. */
import { contentTypes, formatMetrics, negotiateFormat, type Registry } from '../../telemetry/index.js';
import type { ServerResponse } from '../response.js';

export function exposed(registry: Registry, accept: string | undefined): ServerResponse {
  const format = negotiateFormat(accept);
  return {
    code: 200,
    headers: { 'content-type': contentTypes[format] },
    body: formatMetrics(registry.collect(), format),
  };
}
