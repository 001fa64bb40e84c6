/**
 * The checks that the level `restricted` adds: a pod has to give up what it does not need
 * (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted).
 */
import { badSeccomp } from './baseline.js';
import {
  type Check,
  containersNamed,
  containersOf,
  isWindows,
  namesWhere,
  plural,
  quoted,
  setters,
  sorted,
} from './check.js';

/** From this minor version on, Windows pods are let off what they cannot set. */
const windowsExempt = 25;

const allowPrivilegeEscalation: Check = {
  id: 'allowPrivilegeEscalation',
  level: 'restricted',
  since: 8,
  run({ spec }, minor) {
    if (minor >= windowsExempt && isWindows(spec)) return undefined;
    const names = namesWhere(
      spec,
      ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false,
    );
    if (names.length === 0) return undefined;
    return {
      reason: 'allowPrivilegeEscalation != false',
      detail: `${containersNamed(names)} must set securityContext.allowPrivilegeEscalation=false`,
    };
  },
};

const capabilities: Check = {
  id: 'capabilities_restricted',
  level: 'restricted',
  since: 22,
  overrides: 'capabilities_baseline',
  run({ spec }, minor) {
    if (minor >= windowsExempt && isWindows(spec)) return undefined;
    const keeping = namesWhere(
      spec,
      ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'),
    );
    const added = ({ securityContext }: ReturnType<typeof containersOf>[number]): string[] =>
      ((securityContext?.capabilities?.add ?? []) as string[]).filter((name) => name !== 'NET_BIND_SERVICE');
    const adding = namesWhere(spec, (container) => added(container).length > 0);
    if (keeping.length === 0 && adding.length === 0) return undefined;
    const all = sorted(containersOf(spec).flatMap(added));
    const details = [
      ...(keeping.length > 0
        ? [`${containersNamed(keeping)} must set securityContext.capabilities.drop=["ALL"]`]
        : []),
      ...(adding.length > 0
        ? [`${containersNamed(adding)} must not include ${quoted(all)} in securityContext.capabilities.add`]
        : []),
    ];
    return { reason: 'unrestricted capabilities', detail: details.join('; ') };
  },
};

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const otherVolumes = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
];

const restrictedVolumes: Check = {
  id: 'restrictedVolumes',
  level: 'restricted',
  since: 0,
  overrides: 'hostPathVolumes',
  run({ spec }) {
    const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.some((type) => type in volume));
    if (bad.length === 0) return undefined;
    const types = sorted(bad.map((volume) => otherVolumes.find((type) => type in volume) ?? 'unknown'));
    const uses = bad.length === 1 ? 'uses' : 'use';
    return {
      reason: 'restricted volume types',
      detail: `${plural('volume', bad.length)} ${quoted(bad.map(({ name = '' }) => name))} ${uses} ${plural('restricted volume type', types.length)} ${quoted(types)}`,
    };
  },
};

const runAsNonRoot: Check = {
  id: 'runAsNonRoot',
  level: 'restricted',
  since: 0,
  run({ spec }) {
    const reason = 'runAsNonRoot != true';
    const ofPod = spec.securityContext?.runAsNonRoot;
    const asRoot = namesWhere(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false);
    if (ofPod === false || asRoot.length > 0) {
      const who = setters(ofPod === false, asRoot);
      return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
    }
    if (ofPod) return undefined;
    const silent = namesWhere(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
    if (silent.length === 0) return undefined;
    return { reason, detail: `pod or ${containersNamed(silent)} must set securityContext.runAsNonRoot=true` };
  },
};

const runAsUser: Check = {
  id: 'runAsUser',
  level: 'restricted',
  since: 23,
  run({ spec }) {
    const pod = spec.securityContext?.runAsUser === 0;
    const names = namesWhere(spec, ({ securityContext }) => securityContext?.runAsUser === 0);
    if (!pod && names.length === 0) return undefined;
    return { reason: 'runAsUser=0', detail: `${setters(pod, names)} must not set runAsUser=0` };
  },
};

const seccomp: Check = {
  id: 'seccompProfile_restricted',
  level: 'restricted',
  since: 19,
  overrides: 'seccompProfile_baseline',
  run(checked, minor) {
    const { spec } = checked;
    if (minor >= windowsExempt && isWindows(spec)) return undefined;
    const reason = 'seccompProfile';
    const { pod, containers, types } = badSeccomp(checked);
    if (types.length > 0) {
      const who = setters(pod, containers);
      return {
        reason,
        detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
      };
    }
    if (spec.securityContext?.seccompProfile) return undefined;
    const silent = namesWhere(spec, ({ securityContext }) => !securityContext?.seccompProfile);
    if (silent.length === 0) return undefined;
    return {
      reason,
      detail: `pod or ${containersNamed(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
    };
  },
};

/** In the order they are told. */
export const restrictedChecks: readonly Check[] = [
  allowPrivilegeEscalation,
  capabilities,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccomp,
];
