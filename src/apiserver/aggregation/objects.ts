/** The APIService objects a server has of its own accord, and what is to be known of all of them. */
import type { JsonObject } from '../../api/index.js';
import type { APIServiceCondition } from '../../api/kinds/apiregistration/v1.js';
import { compareKubeVersions } from '../discovery/version-order.js';

export const registrationGroup = 'apiregistration.k8s.io';
/** `onstart`: of a built-in group, made when the server starts; `true`: follows a definition, and goes with it. */
export const automanaged = 'kube-aggregator.kubernetes.io/automanaged';

/** Where kube-aggregator puts the groups that it knows: the highest first. */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};
const customPriorities = { groupPriorityMinimum: 1000, versionPriority: 100 };

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

export function apiServiceName({ group, version }: GroupVersion): string {
  return `${version}.${group}`;
}

/** Those of built-in group versions: the same objects for all servers of a process. */
const builtinServices = new Map<string, JsonObject>();

/** The object that says that this server itself serves the group version. */
export function localApiService(
  served: GroupVersion,
  versions: readonly string[],
  builtin: boolean,
): JsonObject {
  if (!builtin) return serviceOf(served, versions, builtin);
  const id = `${served.group}/${served.version} of ${versions.join()}`;
  let service = builtinServices.get(id);
  if (!service) builtinServices.set(id, (service = serviceOf(served, versions, builtin)));
  return service;
}

function serviceOf(served: GroupVersion, versions: readonly string[], builtin: boolean): JsonObject {
  const { group, version } = served;
  const older = [...versions].sort(compareKubeVersions).reverse().indexOf(version);
  const priorities = builtin
    ? {
        groupPriorityMinimum: groupPriorities[group] ?? 16_000,
        versionPriority: group === '' ? 1 : 15 * (older + 1),
      }
    : customPriorities;
  return {
    apiVersion: `${registrationGroup}/v1`,
    kind: 'APIService',
    metadata: { name: apiServiceName(served), labels: { [automanaged]: builtin ? 'onstart' : 'true' } },
    spec: { group, version, ...priorities },
  };
}

export function availableCondition(
  available: boolean,
  reason: string,
  message: string,
  now: string,
): APIServiceCondition {
  return {
    type: 'Available',
    status: available ? 'True' : 'False',
    lastTransitionTime: now,
    reason,
    message,
  };
}
