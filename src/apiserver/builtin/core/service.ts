/** Services (OC-17). Allocating addresses and node ports is the server's; the rules about them are here. */
import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  FieldPath,
  fieldError,
  goStrings,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type { Service, ServicePort, ServiceSpec } from '../../../api/kinds/core/v1.js';
import {
  cidr,
  ipAddress,
  isIpv6,
  labels,
  oneOf,
  portNumber,
  portNumberOrName,
  protocols,
  requiredOneOf,
  ruled,
} from '../checks.js';
import { type Fillable, fillable, type Given, given } from '../given.js';
import type { KindStrategy } from '../strategy.js';

const path = FieldPath.of('spec');
const headless = 'None';
const defaultAffinityTimeout = 10800;
const kubeletPort = 10250;

type Spec = Given<ServiceSpec>;

const isExternal = (type: string | undefined): boolean => type === 'NodePort' || type === 'LoadBalancer';

function applyDefaults(spec: Fillable<ServiceSpec>): void {
  spec.type ||= 'ClusterIP';
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const client = ((spec.sessionAffinityConfig ??= {}).clientIP ??= {});
    client.timeoutSeconds ??= defaultAffinityTimeout;
  }
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (!port.targetPort && port.port !== undefined) port.targetPort = port.port;
  }
  if (isExternal(spec.type)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  if (spec.type === 'ExternalName') return;
  spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  const [first] = spec.clusterIPs ?? [];
  if (first && !spec.clusterIP) spec.clusterIP = first;
  spec.ipFamilies ??= [first !== undefined && isIpv6(first) ? 'IPv6' : 'IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
}

/** What the server once allocated stays, unless the update says otherwise or the type has no use for it. */
function keepAllocated(spec: Fillable<ServiceSpec>, old: Spec): void {
  const wasAddressed = old.type !== 'ExternalName';
  if (spec.type === 'ExternalName') {
    // Leaving the cluster's address behind is meant; naming another one is not.
    if (wasAddressed && (!spec.clusterIP || spec.clusterIP === old.clusterIP)) {
      for (const field of [
        'clusterIP',
        'clusterIPs',
        'ipFamilies',
        'ipFamilyPolicy',
        'internalTrafficPolicy',
      ] as const) {
        delete spec[field];
      }
    }
  } else if (wasAddressed && old.clusterIP) {
    if (!spec.clusterIP && !spec.clusterIPs?.length) {
      spec.clusterIP = old.clusterIP;
      spec.clusterIPs = [...(old.clusterIPs ?? [old.clusterIP])];
      if (old.ipFamilies) spec.ipFamilies = [...old.ipFamilies];
    } else if (spec.clusterIP && spec.clusterIP !== old.clusterIP && spec.clusterIPs?.[0] === old.clusterIP) {
      // Who changes one of the two means both.
      spec.clusterIPs = [spec.clusterIP];
    }
  }
  if (isExternal(spec.type) && isExternal(old.type)) {
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue;
      const before = old.ports?.find((p) => p.port === port.port && p.protocol === port.protocol);
      if (before?.nodePort) port.nodePort = before.nodePort;
    }
    if (!spec.healthCheckNodePort && old.healthCheckNodePort && needsHealthPort(spec)) {
      spec.healthCheckNodePort = old.healthCheckNodePort;
    }
  }
  if (spec.type === 'ClusterIP' && isExternal(old.type)) dropExternal(spec, old);
}

function needsHealthPort(spec: { type?: string; externalTrafficPolicy?: string }): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** Back to an inner Service: what only outer ones have goes, where the update left it as it was. */
function dropExternal(spec: Fillable<ServiceSpec>, old: Spec): void {
  for (const [i, port] of (spec.ports ?? []).entries()) {
    if (port.nodePort && port.nodePort === old.ports?.[i]?.nodePort) delete port.nodePort;
  }
  if (spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts)
    delete spec.allocateLoadBalancerNodePorts;
  if (spec.healthCheckNodePort === old.healthCheckNodePort) delete spec.healthCheckNodePort;
  if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
}

function validatePort(
  at: FieldPath,
  port: Given<ServicePort>,
  nameNeeded: boolean,
  names: Set<string>,
): StatusCause[] {
  const causes: StatusCause[] = [];
  if (port.name) {
    causes.push(...ruled(at.child('name'), port.name, dns1123Label));
    if (names.has(port.name)) causes.push(fieldError.duplicate(at.child('name'), port.name));
    names.add(port.name);
  } else if (nameNeeded) causes.push(fieldError.required(at.child('name')));
  return [
    ...causes,
    ...portNumber(at.child('port'), port.port ?? 0),
    ...requiredOneOf(at.child('protocol'), port.protocol, protocols),
    ...portNumberOrName(at.child('targetPort'), port.targetPort ?? 0),
  ];
}

function validatePorts({ type, ports = [], clusterIP }: Spec): StatusCause[] {
  const at = path.child('ports');
  if (ports.length === 0) {
    return clusterIP === headless || type === 'ExternalName' ? [] : [fieldError.required(at)];
  }
  const names = new Set<string>();
  const nodePorts = new Set<string>();
  const portKeys = new Set<string>();
  return ports.flatMap((port, i) => {
    const here = at.index(i);
    const causes = validatePort(here, port, ports.length > 1, names);
    if (type === 'LoadBalancer' && port.port === kubeletPort) {
      causes.push(
        fieldError.invalid(
          here,
          port.port,
          'may not expose port 10250 externally since it is used by kubelet',
        ),
      );
    }
    if (port.nodePort) {
      if (type === 'ClusterIP') {
        causes.push(
          fieldError.forbidden(here.child('nodePort'), "may not be used when `type` is 'ClusterIP'"),
        );
      }
      const key = `${port.protocol}/${port.nodePort}`;
      if (nodePorts.has(key)) causes.push(fieldError.duplicate(here.child('nodePort'), port.nodePort));
      nodePorts.add(key);
    }
    const key = `${port.protocol}/${port.port}`;
    if (portKeys.has(key))
      causes.push(fieldError.duplicate(here, { protocol: port.protocol, port: port.port }));
    portKeys.add(key);
    return causes;
  });
}

function validateAddresses(spec: Spec): StatusCause[] {
  const at = path.child('clusterIPs');
  const causes: StatusCause[] = [];
  const { clusterIP, clusterIPs = [], type } = spec;
  if (type === 'ExternalName') {
    for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) {
      if (spec[field]?.length) {
        causes.push(fieldError.forbidden(path.child(field), 'may not be set for ExternalName services'));
      }
    }
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (name === '') causes.push(fieldError.required(path.child('externalName')));
    else causes.push(...ruled(path.child('externalName'), name, dns1123Subdomain));
    return causes;
  }
  if (clusterIPs[0] === headless && isExternal(type)) {
    causes.push(fieldError.invalid(at.index(0), headless, `may not be set to 'None' for ${type} services`));
  }
  if (clusterIP && clusterIPs[0] !== clusterIP) {
    causes.push(fieldError.invalid(at, goStrings(clusterIPs), 'first value must match `clusterIP`'));
  }
  for (const [i, address] of clusterIPs.entries()) {
    if (address !== headless) causes.push(...ipAddress(at.index(i), address));
    else if (clusterIPs.length > 1) {
      causes.push(
        fieldError.invalid(
          at.index(i),
          goStrings(clusterIPs),
          "clusterIPs must be a single 'None' or only IPs",
        ),
      );
    }
  }
  if (clusterIPs.length > 2) {
    causes.push(fieldError.invalid(at, goStrings(clusterIPs), 'may only hold up to 2 values'));
  }
  return causes;
}

function validateAffinity(spec: Spec): StatusCause[] {
  const at = path.child('sessionAffinity');
  const causes = requiredOneOf(at, spec.sessionAffinity, ['ClientIP', 'None']);
  const config = path.child('sessionAffinityConfig');
  if (spec.sessionAffinity === 'ClientIP') {
    const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeout;
    if (timeout <= 0 || timeout > 86400) {
      causes.push(
        fieldError.invalid(
          config.child('clientIP').child('timeoutSeconds'),
          timeout,
          'must be greater than 0 and less than 86400',
        ),
      );
    }
  }
  return causes;
}

function validate(object: JsonObject): StatusCause[] {
  const { spec = {} } = given<Service>(object);
  const { type = '' } = spec;
  const causes = [
    ...validatePorts(spec),
    ...labels(path.child('selector'), spec.selector),
    ...validateAffinity(spec),
    ...validateAddresses(spec),
    ...requiredOneOf(path.child('type'), type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
    ...oneOf(path.child('internalTrafficPolicy'), spec.internalTrafficPolicy, ['Cluster', 'Local']),
    ...(spec.ipFamilies ?? []).flatMap((family, i) =>
      oneOf(path.child('ipFamilies').index(i), family, ['IPv4', 'IPv6']),
    ),
    ...oneOf(path.child('ipFamilyPolicy'), spec.ipFamilyPolicy, [
      'PreferDualStack',
      'RequireDualStack',
      'SingleStack',
    ]),
    ...(spec.externalIPs ?? []).flatMap((ip, i) => ipAddress(path.child('externalIPs').index(i), ip)),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, i) =>
      cidr(path.child('loadBalancerSourceRanges').index(i), range.trim()),
    ),
  ];
  const policy = spec.externalTrafficPolicy;
  if (policy !== undefined) {
    const at = path.child('externalTrafficPolicy');
    if (isExternal(type) || spec.externalIPs?.length) causes.push(...oneOf(at, policy, ['Cluster', 'Local']));
    else causes.push(fieldError.invalid(at, policy, 'may only be set for externally-accessible services'));
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && type !== 'LoadBalancer') {
    causes.push(
      fieldError.forbidden(
        path.child('allocateLoadBalancerNodePorts'),
        "may only be used when `type` is 'LoadBalancer'",
      ),
    );
  }
  if (spec.loadBalancerClass !== undefined && type !== 'LoadBalancer') {
    causes.push(
      fieldError.forbidden(path.child('loadBalancerClass'), "may only be used when `type` is 'LoadBalancer'"),
    );
  }
  return causes;
}

/** The address of a Service is decided once, as long as it has one. */
function validateUpdate(object: JsonObject, oldObject: JsonObject): StatusCause[] {
  const [spec, old] = [given<Service>(object).spec ?? {}, given<Service>(oldObject).spec ?? {}];
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  const [now] = spec.clusterIPs ?? [];
  const [before] = old.clusterIPs ?? [];
  if (!before || now === before) return [];
  return [
    fieldError.invalid(
      path.child('clusterIPs').index(0),
      goStrings(spec.clusterIPs),
      'may not change once set',
    ),
  ];
}

export const serviceStrategy: KindStrategy = {
  group: '',
  kind: 'Service',
  nameRule: dns1035Label,
  allowCreateOnUpdate: true,
  applyDefaults(object) {
    applyDefaults((fillable<Service>(object).spec ??= {}));
  },
  prepareForCreate(object) {
    object.status = { loadBalancer: {} };
  },
  prepareForUpdate(object, old) {
    keepAllocated((fillable<Service>(object).spec ??= {}), given<Service>(old).spec ?? {});
  },
  validate,
  validateUpdate,
  selectableFields(object) {
    const { spec } = given<Service>(object);
    return { 'spec.clusterIP': spec?.clusterIP ?? '', 'spec.type': spec?.type ?? '' };
  },
};
