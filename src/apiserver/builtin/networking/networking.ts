/** Ingresses and network policies. */
import {
  dns1123Subdomain,
  FieldPath,
  fieldError,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type {
  Ingress,
  IngressBackend,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../../../api/kinds/networking/v1.js';
import { cidr, oneOf, portNumber, portNumberOrName, protocols, required, ruled } from '../checks.js';
import { fillable, type Given, given } from '../given.js';
import { labelSelector } from '../label-selector.js';
import type { KindStrategy } from '../strategy.js';

const path = FieldPath.of('spec');

function validateBackend(at: FieldPath, { service, resource }: Given<IngressBackend>): StatusCause[] {
  if (service && resource) {
    return [fieldError.invalid(at, '', 'cannot set both resource and service backends')];
  }
  if (resource)
    return [
      ...required(at.child('resource').child('kind'), resource.kind),
      ...required(at.child('resource').child('name'), resource.name),
    ];
  if (!service) return [fieldError.required(at, 'resource or service backend is required')];
  const causes = required(at.child('service').child('name'), service.name);
  const { name, number } = service.port ?? {};
  const port = at.child('service').child('port');
  if (name && number)
    causes.push(fieldError.invalid(port, service.port, 'cannot set both port name & port number'));
  else if (!name && !number) causes.push(fieldError.required(port, 'port name or number is required'));
  else if (number) causes.push(...portNumber(port.child('number'), number));
  return causes;
}

function validateIngress(object: JsonObject): StatusCause[] {
  const { spec = {} } = given<Ingress>(object);
  const { rules = [], defaultBackend } = spec;
  const causes: StatusCause[] = [];
  if (rules.length === 0 && !defaultBackend) {
    causes.push(fieldError.invalid(path, rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend) causes.push(...validateBackend(path.child('defaultBackend'), defaultBackend));
  for (const [i, { host, http }] of rules.entries()) {
    const at = path.child('rules').index(i);
    if (host) causes.push(...ruled(at.child('host'), host.replace(/^\*\./, ''), dns1123Subdomain));
    if (!http) continue;
    const paths = at.child('http').child('paths');
    if (!http.paths?.length) causes.push(fieldError.required(paths));
    for (const [p, { path: text = '', pathType, backend = {} }] of (http.paths ?? []).entries()) {
      const here = paths.index(p);
      if (pathType === undefined)
        causes.push(fieldError.required(here.child('pathType'), 'pathType must be specified'));
      else
        causes.push(
          ...oneOf(here.child('pathType'), pathType, ['Exact', 'ImplementationSpecific', 'Prefix']),
        );
      const rooted = text.startsWith('/') || (pathType === 'ImplementationSpecific' && text === '');
      if (pathType !== undefined && !rooted) {
        causes.push(fieldError.invalid(here.child('path'), text, 'must be an absolute path'));
      }
      causes.push(...validateBackend(here.child('backend'), backend));
    }
  }
  if (spec.ingressClassName !== undefined) {
    causes.push(...ruled(path.child('ingressClassName'), spec.ingressClassName, dns1123Subdomain));
  }
  return causes;
}

export const ingressStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'Ingress',
  hasGeneration: true,
  prepareForCreate(object) {
    object.status = { loadBalancer: {} };
  },
  validate: validateIngress,
};

export const ingressClassStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'IngressClass',
  hasGeneration: true,
};

function validatePeer(at: FieldPath, peer: Given<NetworkPolicyPeer>): StatusCause[] {
  const { ipBlock, podSelector, namespaceSelector } = peer;
  if (ipBlock && (podSelector || namespaceSelector)) {
    return [fieldError.forbidden(at, 'may not specify both ipBlock and another peer')];
  }
  if (!ipBlock && !podSelector && !namespaceSelector) return [fieldError.required(at, 'must specify a peer')];
  return [
    ...labelSelector(at.child('podSelector'), podSelector),
    ...labelSelector(at.child('namespaceSelector'), namespaceSelector),
    ...(ipBlock ? cidr(at.child('ipBlock').child('cidr'), ipBlock.cidr ?? '') : []),
    ...(ipBlock?.except ?? []).flatMap((range, i) =>
      cidr(at.child('ipBlock').child('except').index(i), range),
    ),
  ];
}

function validatePolicyPort(at: FieldPath, port: Given<NetworkPolicyPort>): StatusCause[] {
  return [
    ...oneOf(at.child('protocol'), port.protocol, protocols),
    ...(port.port === undefined ? [] : portNumberOrName(at.child('port'), port.port)),
  ];
}

function validatePolicy(object: JsonObject): StatusCause[] {
  const { spec = {} } = given<NetworkPolicy>(object);
  const causes = labelSelector(path.child('podSelector'), spec.podSelector);
  const rules = (
    direction: 'ingress' | 'egress',
    i: number,
    peers: readonly Given<NetworkPolicyPeer>[],
    ports: readonly Given<NetworkPolicyPort>[],
  ) => {
    const at = path.child(direction).index(i);
    const side = direction === 'ingress' ? 'from' : 'to';
    causes.push(...peers.flatMap((peer, p) => validatePeer(at.child(side).index(p), peer)));
    causes.push(...ports.flatMap((port, p) => validatePolicyPort(at.child('ports').index(p), port)));
  };
  for (const [i, { from = [], ports = [] }] of (spec.ingress ?? []).entries())
    rules('ingress', i, from, ports);
  for (const [i, { to = [], ports = [] }] of (spec.egress ?? []).entries()) rules('egress', i, to, ports);
  const types = spec.policyTypes ?? [];
  if (types.length > 2) {
    causes.push(
      fieldError.invalid(path.child('policyTypes'), types, 'may not specify more than two policyTypes'),
    );
    return causes;
  }
  return [
    ...causes,
    ...types.flatMap((type, i) => oneOf(path.child('policyTypes').index(i), type, ['Egress', 'Ingress'])),
  ];
}

export const networkPolicyStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'NetworkPolicy',
  hasGeneration: true,
  applyDefaults(object) {
    const spec = (fillable<NetworkPolicy>(object).spec ??= {});
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    }
    if (!spec.policyTypes?.length)
      spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  validate: validatePolicy,
};
