/**
 * The checks of the level `baseline`: what is known to lift a pod's privileges is refused
 * (https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline).
 */
import {
  type Check,
  type Checked,
  containersNamed,
  containersOf,
  namesWhere,
  plural,
  quoted,
  type SecurityContext,
  setters,
  sorted,
} from './check.js';

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';
const profiles = ['RuntimeDefault', 'Localhost'];

const appArmor: Check = {
  id: 'appArmorProfile',
  level: 'baseline',
  since: 0,
  run({ annotations, spec }) {
    const bad = (context: Pick<SecurityContext, 'appArmorProfile'> | undefined): string[] =>
      context?.appArmorProfile && !profiles.includes(context.appArmorProfile.type ?? '')
        ? [context.appArmorProfile.type ?? '']
        : [];
    const containers = containersOf(spec).filter(({ securityContext }) => bad(securityContext).length > 0);
    const types = sorted([
      ...bad(spec.securityContext),
      ...containers.flatMap(({ securityContext }) => bad(securityContext)),
    ]);
    const annotated = Object.entries(annotations)
      .filter(([key, value = '']) => key.startsWith(appArmorAnnotation) && !isAllowedAnnotation(value))
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .sort();
    const who = [
      setters(
        bad(spec.securityContext).length > 0,
        containers.map(({ name = '' }) => name),
      ),
      ...(annotated.length > 0 ? [plural('annotation', annotated.length)] : []),
    ].filter((text) => text !== '');
    if (who.length === 0) return undefined;
    const values = [...types, ...annotated];
    return {
      reason: plural('forbidden AppArmor profile', values.length),
      detail: `${who.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
    };
  },
};

function isAllowedAnnotation(profile: string): boolean {
  return profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/');
}

const defaultCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

const capabilities: Check = {
  id: 'capabilities_baseline',
  level: 'baseline',
  since: 0,
  run({ spec }) {
    const added = (context: SecurityContext | undefined): string[] =>
      ((context?.capabilities?.add ?? []) as string[]).filter((name) => !defaultCapabilities.has(name));
    const names = namesWhere(spec, ({ securityContext }) => added(securityContext).length > 0);
    if (names.length === 0) return undefined;
    const all = sorted(containersOf(spec).flatMap(({ securityContext }) => added(securityContext)));
    return {
      reason: 'non-default capabilities',
      detail: `${containersNamed(names)} must not include ${quoted(all)} in securityContext.capabilities.add`,
    };
  },
};

const hostNamespaces: Check = {
  id: 'hostNamespaces',
  level: 'baseline',
  since: 0,
  run({ spec }) {
    const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
    if (shared.length === 0) return undefined;
    return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
  },
};

const hostPathVolumes: Check = {
  id: 'hostPathVolumes',
  level: 'baseline',
  since: 0,
  run({ spec }) {
    const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name = '' }) => name);
    if (names.length === 0) return undefined;
    return { reason: 'hostPath volumes', detail: `${plural('volume', names.length)} ${quoted(names)}` };
  },
};

const hostPorts: Check = {
  id: 'hostPorts',
  level: 'baseline',
  since: 0,
  run({ spec }) {
    const bound = containersOf(spec).filter(({ ports = [] }) => ports.some(({ hostPort }) => hostPort));
    if (bound.length === 0) return undefined;
    const names = bound.map(({ name = '' }) => name);
    const ports = sorted(
      bound.flatMap(({ ports: all = [] }) =>
        all.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : [])),
      ),
    );
    const uses = names.length === 1 ? 'uses' : 'use';
    return {
      reason: 'hostPort',
      detail: `${containersNamed(names)} ${uses} ${plural('hostPort', ports.length)} ${ports.join(', ')}`,
    };
  },
};

const privileged: Check = {
  id: 'privileged',
  level: 'baseline',
  since: 0,
  run({ spec }) {
    const names = namesWhere(spec, ({ securityContext }) => securityContext?.privileged === true);
    if (names.length === 0) return undefined;
    return {
      reason: 'privileged',
      detail: `${containersNamed(names)} must not set securityContext.privileged=true`,
    };
  },
};

const procMount: Check = {
  id: 'procMount',
  level: 'baseline',
  since: 0,
  run({ spec }) {
    const other = (context: SecurityContext | undefined): string[] =>
      context?.procMount !== undefined && context.procMount !== 'Default' ? [context.procMount] : [];
    const names = namesWhere(spec, ({ securityContext }) => other(securityContext).length > 0);
    if (names.length === 0) return undefined;
    const values = sorted(containersOf(spec).flatMap(({ securityContext }) => other(securityContext)));
    return {
      reason: 'procMount',
      detail: `${containersNamed(names)} must not set securityContext.procMount to ${quoted(values)}`,
    };
  },
};

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

const seLinux: Check = {
  id: 'seLinuxOptions',
  level: 'baseline',
  since: 0,
  run({ spec }, minor) {
    const types = minor >= 31 ? [...seLinuxTypes, 'container_engine_t'] : seLinuxTypes;
    const given = (context: Pick<SecurityContext, 'seLinuxOptions'> | undefined) =>
      context?.seLinuxOptions ?? {};
    const isBad = ({ type = '', user, role }: ReturnType<typeof given>): boolean =>
      !types.includes(type) || Boolean(user) || Boolean(role);
    const bad = containersOf(spec).filter(({ securityContext }) => isBad(given(securityContext)));
    const pod = isBad(given(spec.securityContext));
    if (!pod && bad.length === 0) return undefined;
    const all = [
      ...(pod ? [given(spec.securityContext)] : []),
      ...bad.map(({ securityContext }) => given(securityContext)),
    ];
    const badTypes = sorted(all.map(({ type = '' }) => type).filter((type) => !types.includes(type)));
    const data = [
      ...(badTypes.length > 0 ? [`${plural('type', badTypes.length)} ${quoted(badTypes)}`] : []),
      ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
      ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
    ];
    const who = setters(
      pod,
      bad.map(({ name = '' }) => name),
    );
    return {
      reason: 'seLinuxOptions',
      detail: `${who} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`,
    };
  },
};

const seccompAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerAnnotation = 'container.seccomp.security.alpha.kubernetes.io/';

/** The profile types that may not be: of the pod, and of containers by name. */
export function badSeccomp({ spec }: Checked): {
  readonly pod: boolean;
  readonly containers: string[];
  readonly types: string[];
} {
  const bad = (context: Pick<SecurityContext, 'seccompProfile'> | undefined): string[] =>
    context?.seccompProfile && !profiles.includes(context.seccompProfile.type ?? '')
      ? [context.seccompProfile.type ?? '']
      : [];
  const containers = containersOf(spec).filter(({ securityContext }) => bad(securityContext).length > 0);
  return {
    pod: bad(spec.securityContext).length > 0,
    containers: containers.map(({ name = '' }) => name),
    types: sorted([
      ...bad(spec.securityContext),
      ...containers.flatMap(({ securityContext }) => bad(securityContext)),
    ]),
  };
}

const seccomp: Check = {
  id: 'seccompProfile_baseline',
  level: 'baseline',
  since: 0,
  run(pod, minor) {
    if (minor < 19) return seccompByAnnotation(pod);
    const { pod: ofPod, containers, types } = badSeccomp(pod);
    if (types.length === 0) return undefined;
    return {
      reason: 'seccompProfile',
      detail: `${setters(ofPod, containers)} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
    };
  },
};

function seccompByAnnotation({ annotations, spec }: Checked): ReturnType<Check['run']> {
  const keys = [
    seccompAnnotation,
    ...containersOf(spec).map(({ name = '' }) => `${seccompContainerAnnotation}${name}`),
  ];
  const bad = sorted(
    keys.flatMap((key) => {
      const value = Object.hasOwn(annotations, key) ? annotations[key] : undefined;
      if (value === undefined || ['runtime/default', 'docker/default'].includes(value)) return [];
      return value.startsWith('localhost/') ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  if (bad.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `forbidden ${plural('annotation', bad.length)} ${bad.join(', ')}`,
  };
}

/** Safe sysctls, and the minor version that took them for such. */
const sysctlsSince: readonly (readonly [number, readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      'net.ipv4.tcp_keepalive_time',
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

const sysctls: Check = {
  id: 'sysctls',
  level: 'baseline',
  since: 0,
  run({ spec }, minor) {
    const safe = sysctlsSince.flatMap(([since, names]) => (minor >= since ? names : []));
    const bad = (spec.securityContext?.sysctls ?? [])
      .map(({ name = '' }) => name)
      .filter((name) => !safe.includes(name));
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
  },
};

const windowsHostProcess: Check = {
  id: 'windowsHostProcess',
  level: 'baseline',
  since: 0,
  run({ spec }) {
    const pod = spec.securityContext?.windowsOptions?.hostProcess === true;
    const names = namesWhere(
      spec,
      ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true,
    );
    if (!pod && names.length === 0) return undefined;
    return {
      reason: 'hostProcess',
      detail: `${setters(pod, names)} must not set securityContext.windowsOptions.hostProcess=true`,
    };
  },
};

/** In the order they are told. */
export const baselineChecks: readonly Check[] = [
  appArmor,
  capabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  privileged,
  procMount,
  seLinux,
  seccomp,
  sysctls,
  windowsHostProcess,
];
