/** From a container of a pod spec to what a runtime is asked to run. */
import { quantityMillis, quantityUnits, type Shared } from '../../api/index.js';
import type { Pod } from '../../api/kinds/core/v1.js';
import type { ContainerConfig, Mount, PodSandboxConfig } from '../container-runtime.js';
import { type PodContainer, specHash } from './containers.js';
import { type Env, expand } from './env.js';

export function sandboxConfig(pod: Shared<Pod>, attempt: number, logRoot: string): PodSandboxConfig {
  const { namespace = '', name, uid, labels = {}, annotations = {} } = pod.metadata;
  return {
    pod: { namespace, name, uid },
    attempt,
    hostname: (pod.spec?.hostname ?? name).slice(0, 63),
    labels,
    annotations,
    hostNetwork: pod.spec?.hostNetwork ?? false,
    logDirectory: `${logRoot}/${namespace}_${name}_${uid}`,
  };
}

export interface ContainerParts {
  readonly attempt: number;
  readonly env: Env;
  readonly mounts: readonly Mount[];
  readonly terminationMessage?: { readonly hostPath: string; readonly containerPath: string };
}

export function containerConfig(
  pod: Shared<Pod>,
  container: PodContainer,
  parts: ContainerParts,
): ContainerConfig {
  const { name, image = '', resources, securityContext = {} } = container;
  const values = new Map(parts.env.map((variable) => [variable.name, variable.value]));
  const expanded = (words: readonly string[] | undefined) => words?.map((word) => expand(word, values));
  const command = expanded(container.command);
  const args = expanded(container.args);
  const {
    runAsUser = pod.spec?.securityContext?.runAsUser,
    runAsGroup = pod.spec?.securityContext?.runAsGroup,
  } = securityContext;
  const { limits = {}, requests = {} } = resources ?? {};
  return {
    name,
    attempt: parts.attempt,
    image,
    ...(command && command.length > 0 ? { command } : {}),
    ...(args && args.length > 0 ? { args } : {}),
    ...(container.workingDir ? { workingDir: container.workingDir } : {}),
    env: parts.env,
    mounts: parts.mounts,
    ...(parts.terminationMessage ? { terminationMessage: parts.terminationMessage } : {}),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ports: (container.ports ?? []).map(({ containerPort, name: portName, protocol = 'TCP' }) => ({
      containerPort,
      protocol,
      ...(portName === undefined ? {} : { name: portName }),
    })),
    resources: {
      ...(requests.cpu === undefined ? {} : { cpuRequest: quantityMillis(requests.cpu) }),
      ...(limits.cpu === undefined ? {} : { cpuLimit: quantityMillis(limits.cpu) }),
      ...(limits.memory === undefined ? {} : { memoryLimit: quantityUnits(limits.memory) }),
    },
    securityContext: {
      ...(runAsUser === undefined ? {} : { runAsUser }),
      ...(runAsGroup === undefined ? {} : { runAsGroup }),
      ...(securityContext.readOnlyRootFilesystem === undefined
        ? {}
        : { readOnlyRootFilesystem: securityContext.readOnlyRootFilesystem }),
      ...(securityContext.privileged === undefined ? {} : { privileged: securityContext.privileged }),
    },
    labels: pod.metadata.labels ?? {},
    annotations: pod.metadata.annotations ?? {},
    specHash: specHash(container),
    logPath: `${name}/${parts.attempt}.log`,
  };
}
