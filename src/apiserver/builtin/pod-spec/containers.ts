/** Validating containers, init containers and ephemeral ones. */
import { dns1123Label, type FieldPath, fieldError, portName, type StatusCause } from '../../../api/index.js';
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  PodSpec,
  SecurityContext,
} from '../../../api/kinds/core/v1.js';
import { portNumber, protocols, required, requiredName, requiredOneOf, ruled } from '../checks.js';
import type { Given } from '../given.js';
import { validateEnv, validateEnvFrom } from './environment.js';
import { validateLifecycle, validateProbe } from './handlers.js';
import { validateResources } from './resources.js';
import { validateDevices, validateMounts } from './volumes.js';

type GivenContainer = Given<Container>;

function ports(path: FieldPath, list: readonly Given<ContainerPort>[] = []): StatusCause[] {
  const names = new Set<string>();
  return list.flatMap((port, i) => {
    const at = path.index(i);
    const causes: StatusCause[] = [];
    if (port.name) {
      const bad = ruled(at.child('name'), port.name, portName);
      causes.push(...bad);
      if (bad.length === 0 && names.has(port.name))
        causes.push(fieldError.duplicate(at.child('name'), port.name));
      names.add(port.name);
    }
    if (!port.containerPort) causes.push(fieldError.required(at.child('containerPort')));
    else causes.push(...portNumber(at.child('containerPort'), port.containerPort));
    if (port.hostPort) causes.push(...portNumber(at.child('hostPort'), port.hostPort));
    return [...causes, ...requiredOneOf(at.child('protocol'), port.protocol, protocols)];
  });
}

function securityContext(path: FieldPath, context: Given<SecurityContext> | undefined): StatusCause[] {
  if (!context) return [];
  const causes: StatusCause[] = [];
  for (const field of ['runAsUser', 'runAsGroup'] as const) {
    const id = context[field];
    if (id !== undefined && (id < 0 || id > 2147483647)) {
      causes.push(fieldError.invalid(path.child(field), id, 'must be between 0 and 2147483647, inclusive'));
    }
  }
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) {
      causes.push(
        fieldError.invalid(
          path,
          context,
          'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
        ),
      );
    }
    if (context.capabilities?.add?.some((c) => c === 'CAP_SYS_ADMIN')) {
      causes.push(
        fieldError.invalid(
          path,
          context,
          'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
        ),
      );
    }
  }
  return causes;
}

/** What holds for every container of a pod. */
function common(path: FieldPath, container: GivenContainer, spec: Given<PodSpec>): StatusCause[] {
  const volumes = spec.volumes ?? [];
  const known = new Set(volumes.map((v) => v.name ?? ''));
  return [
    ...requiredName(path.child('name'), container.name, dns1123Label),
    ...required(path.child('image'), container.image),
    ...requiredOneOf(path.child('terminationMessagePolicy'), container.terminationMessagePolicy, [
      'FallbackToLogsOnError',
      'File',
    ]),
    ...ports(path.child('ports'), container.ports),
    ...validateEnv(path.child('env'), container.env),
    ...validateEnvFrom(path.child('envFrom'), container.envFrom),
    ...validateMounts(path.child('volumeMounts'), container.volumeMounts, known),
    ...validateDevices(path.child('volumeDevices'), container.volumeDevices, volumes),
    ...requiredOneOf(path.child('imagePullPolicy'), container.imagePullPolicy, [
      'Always',
      'IfNotPresent',
      'Never',
    ]),
    ...validateResources(path.child('resources'), container.resources),
    ...securityContext(path.child('securityContext'), container.securityContext),
  ];
}

function lifecycleAndProbes(path: FieldPath, container: GivenContainer): StatusCause[] {
  return [
    ...validateLifecycle(path.child('lifecycle'), container.lifecycle),
    ...validateProbe(path.child('livenessProbe'), container.livenessProbe, 'liveness'),
    ...validateProbe(path.child('readinessProbe'), container.readinessProbe, 'readiness'),
    ...validateProbe(path.child('startupProbe'), container.startupProbe, 'startup'),
  ];
}

/** Two containers cannot have the same port of the host. */
function hostPorts(path: FieldPath, containers: readonly GivenContainer[]): StatusCause[] {
  const taken = new Set<string>();
  return containers.flatMap((container, c) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP = '', protocol = '' }, p) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key))
        return [fieldError.duplicate(path.index(c).child('ports').index(p).child('hostPort'), key)];
      taken.add(key);
      return [];
    }),
  );
}

function hostNetworkPorts(path: FieldPath, containers: readonly GivenContainer[]): StatusCause[] {
  return containers.flatMap((container, c) =>
    (container.ports ?? []).flatMap(({ hostPort = 0, containerPort = 0 }, p) =>
      hostPort === containerPort
        ? []
        : [
            fieldError.invalid(
              path.index(c).child('ports').index(p).child('containerPort'),
              containerPort,
              'must match `hostPort` when `hostNetwork` is true',
            ),
          ],
    ),
  );
}

/** @param ofPod a pod's host network ports are filled in; a template's are not looked at */
export function validateContainers(path: FieldPath, spec: Given<PodSpec>, ofPod: boolean): StatusCause[] {
  const containers = spec.containers ?? [];
  const at = path.child('containers');
  if (containers.length === 0) return [fieldError.required(at)];
  const names = new Set<string>();
  const causes = containers.flatMap((container, i) => {
    const own = common(at.index(i), container, spec);
    if (container.name && names.has(container.name)) {
      own.push(fieldError.duplicate(at.index(i).child('name'), container.name));
    }
    names.add(container.name ?? '');
    if (container.restartPolicy !== undefined) {
      own.push(
        fieldError.forbidden(at.index(i).child('restartPolicy'), 'may not be set for non-init containers'),
      );
    }
    return [...own, ...lifecycleAndProbes(at.index(i), container)];
  });
  causes.push(...hostPorts(at, containers));
  if (spec.hostNetwork && ofPod) causes.push(...hostNetworkPorts(at, containers));
  return causes;
}

const notForInit = 'may not be set for init containers without restartPolicy=Always';

export function validateInitContainers(path: FieldPath, spec: Given<PodSpec>): StatusCause[] {
  const names = new Set((spec.containers ?? []).map((c) => c.name ?? ''));
  return (spec.initContainers ?? []).flatMap((container, i) => {
    const at = path.child('initContainers').index(i);
    const causes = common(at, container, spec);
    if (container.name && names.has(container.name))
      causes.push(fieldError.duplicate(at.child('name'), container.name));
    names.add(container.name ?? '');
    const isSidecar = container.restartPolicy === 'Always';
    if (container.restartPolicy !== undefined && !isSidecar) {
      causes.push(fieldError.notSupported(at.child('restartPolicy'), container.restartPolicy, ['Always']));
    }
    if (isSidecar) causes.push(...lifecycleAndProbes(at, container));
    else {
      for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (container[field] !== undefined) causes.push(fieldError.forbidden(at.child(field), notForInit));
      }
    }
    return [...causes, ...hostPorts(path.child('initContainers'), [container])];
  });
}

const notForEphemeral = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'restartPolicy',
  'resizePolicy',
] as const satisfies readonly (keyof EphemeralContainer)[];

export function validateEphemeralContainers(path: FieldPath, spec: Given<PodSpec>): StatusCause[] {
  const regular = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.name ?? '');
  const names = new Set(regular);
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const at = path.child('ephemeralContainers').index(i);
    const causes = common(at, container as GivenContainer, spec);
    if (container.name && names.has(container.name))
      causes.push(fieldError.duplicate(at.child('name'), container.name));
    names.add(container.name ?? '');
    for (const field of notForEphemeral) {
      if (container[field] !== undefined) {
        causes.push(fieldError.forbidden(at.child(field), 'cannot be set for an Ephemeral Container'));
      }
    }
    const target = container.targetContainerName;
    if (target && !regular.includes(target))
      causes.push(fieldError.notFound(at.child('targetContainerName'), target));
    return causes;
  });
}
