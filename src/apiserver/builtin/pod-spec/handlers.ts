/** Validating probes and lifecycle hooks: what a container is asked, and how often. */
import { type FieldPath, fieldError, type StatusCause } from '../../../api/index.js';
import type { Lifecycle, LifecycleHandler, Probe } from '../../../api/kinds/core/v1.js';
import { nonNegative, oneOf, portNumber, portNumberOrName, required } from '../checks.js';
import type { Given } from '../given.js';

type Handler = Given<LifecycleHandler> & Pick<Given<Probe>, 'grpc'>;

/** One cause list per kind of handler that is there. */
function handlerChecks(path: FieldPath, handler: Handler): [string, () => StatusCause[]][] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const checks: [string, () => StatusCause[]][] = [];
  if (exec) {
    const at = path.child('exec').child('command');
    checks.push(['exec', () => (exec.command?.length ? [] : [fieldError.required(at)])]);
  }
  if (httpGet) {
    const at = path.child('httpGet');
    checks.push([
      'httpGet',
      () => [
        ...required(at.child('path'), httpGet.path),
        ...portNumberOrName(at.child('port'), httpGet.port ?? 0),
        ...oneOf(at.child('scheme'), httpGet.scheme, ['HTTP', 'HTTPS']),
      ],
    ]);
  }
  if (tcpSocket) {
    checks.push([
      'tcpSocket',
      () => portNumberOrName(path.child('tcpSocket').child('port'), tcpSocket.port ?? 0),
    ]);
  }
  if (grpc) checks.push(['grpc', () => portNumber(path.child('grpc').child('port'), grpc.port ?? 0)]);
  if (sleep) checks.push(['sleep', () => nonNegative(path.child('sleep'), sleep.seconds)]);
  return checks;
}

function validateHandler(path: FieldPath, handler: Handler): StatusCause[] {
  const checks = handlerChecks(path, handler);
  if (checks.length === 0) return [fieldError.required(path, 'must specify a handler type')];
  return checks.flatMap(([name, check], i) =>
    i === 0 ? check() : [fieldError.forbidden(path.child(name), 'may not specify more than 1 handler type')],
  );
}

export function validateLifecycle(path: FieldPath, lifecycle: Given<Lifecycle> | undefined): StatusCause[] {
  const { postStart, preStop } = lifecycle ?? {};
  return [
    ...(postStart ? validateHandler(path.child('postStart'), postStart) : []),
    ...(preStop ? validateHandler(path.child('preStop'), preStop) : []),
  ];
}

/** @param role liveness and startup probes succeed at once; readiness probes do not end anything */
export function validateProbe(
  path: FieldPath,
  probe: Given<Probe> | undefined,
  role: 'liveness' | 'readiness' | 'startup',
): StatusCause[] {
  if (!probe) return [];
  const causes = validateHandler(path, probe);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    causes.push(...nonNegative(path.child(field), probe[field]));
  }
  const grace = probe.terminationGracePeriodSeconds;
  const gracePath = path.child('terminationGracePeriodSeconds');
  if (grace !== undefined && grace <= 0)
    causes.push(fieldError.invalid(gracePath, grace, 'must be greater than 0'));
  if (role === 'readiness') {
    if (grace !== undefined)
      causes.push(fieldError.invalid(gracePath, grace, 'must not be set for readinessProbes'));
  } else if (probe.successThreshold !== 1) {
    causes.push(fieldError.invalid(path.child('successThreshold'), probe.successThreshold ?? 0, 'must be 1'));
  }
  return causes;
}
