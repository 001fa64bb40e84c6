/** Endpoints and EndpointSlices: where the pods of a Service can be reached. */
import {
  dns1123Label,
  dns1123Subdomain,
  FieldPath,
  fieldError,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type { Endpoints } from '../../../api/kinds/core/v1.js';
import type { EndpointSlice } from '../../../api/kinds/discovery/v1.js';
import {
  immutable,
  ipAddress,
  isIpv4,
  isIpv6,
  oneOf,
  portNumber,
  protocols,
  requiredOneOf,
  ruled,
} from '../checks.js';
import { fillable, given } from '../given.js';
import type { KindStrategy } from '../strategy.js';

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20000;

/** Addresses that mean "here", not a place in the network. An API server may say that it is only here. */
function special(path: FieldPath, ip: string, ofServer: boolean): StatusCause[] {
  const causes = ipAddress(path, ip);
  if (causes.length > 0) return causes;
  if (ip === '0.0.0.0' || ip === '::') {
    causes.push(fieldError.invalid(path, ip, 'may not be unspecified (0.0.0.0 or ::)'));
  }
  if (((ip.startsWith('127.') && !isPodLoopback(ip)) || ip === '::1') && !ofServer) {
    causes.push(fieldError.invalid(path, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  }
  if (ip.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/i.test(ip)) {
    causes.push(
      fieldError.invalid(path, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'),
    );
  }
  return causes;
}

/**
 * 127.64.0.0/12 and 127.96.0.0/16: pods and Services of a cluster without a network of its own live there,
 * so the rule against loopback addresses leaves them out.
 */
function isPodLoopback(ip: string): boolean {
  const second = Number(ip.split('.')[1]);
  return (second >= 64 && second < 80) || second === 96;
}

function isOfServer(object: JsonObject): boolean {
  const { name, namespace } = given<Endpoints>(object).metadata ?? {};
  return name === 'kubernetes' && namespace === 'default';
}

export const endpointsStrategy: KindStrategy = {
  group: '',
  kind: 'Endpoints',
  allowCreateOnUpdate: true,
  applyDefaults(object) {
    for (const { ports } of fillable<Endpoints>(object).subsets ?? []) {
      for (const port of ports ?? []) port.protocol ||= 'TCP';
    }
  },
  validate(object) {
    const ofServer = isOfServer(object);
    return (given<Endpoints>(object).subsets ?? []).flatMap((subset, i) => {
      const at = FieldPath.of('subsets').index(i);
      const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
      const causes: StatusCause[] = [];
      if (addresses.length === 0 && notReadyAddresses.length === 0) {
        causes.push(fieldError.required(at, 'must specify `addresses` or `notReadyAddresses`'));
      }
      for (const [field, list] of Object.entries({ addresses, notReadyAddresses })) {
        for (const [a, { ip = '', hostname }] of list.entries()) {
          causes.push(...special(at.child(field).index(a).child('ip'), ip, ofServer));
          if (hostname)
            causes.push(...ruled(at.child(field).index(a).child('hostname'), hostname, dns1123Label));
        }
      }
      for (const [p, port] of ports.entries()) {
        const here = at.child('ports').index(p);
        if (port.name) causes.push(...ruled(here.child('name'), port.name, dns1123Label));
        else if (ports.length > 1) causes.push(fieldError.required(here.child('name')));
        causes.push(...portNumber(here.child('port'), port.port ?? 0));
        causes.push(...requiredOneOf(here.child('protocol'), port.protocol, protocols));
      }
      return causes;
    });
  },
};

function sliceAddress(
  path: FieldPath,
  type: string | undefined,
  address: string,
  ofServer: boolean,
): StatusCause[] {
  switch (type) {
    case 'IPv4':
      return isIpv4(address)
        ? special(path, address, ofServer)
        : [fieldError.invalid(path, address, 'must be a valid IPv4 address')];
    case 'IPv6':
      return isIpv6(address)
        ? special(path, address, ofServer)
        : [fieldError.invalid(path, address, 'must be a valid IPv6 address')];
    case 'FQDN':
      return ruled(path, address, dns1123Subdomain);
    default:
      return [];
  }
}

export const endpointSliceStrategy: KindStrategy = {
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  hasGeneration: true,
  applyDefaults(object) {
    for (const port of fillable<EndpointSlice>(object).ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  validate(object) {
    const { addressType, endpoints = [], ports = [] } = given<EndpointSlice>(object);
    const ofServer = isOfServer(object);
    const causes = requiredOneOf(FieldPath.of('addressType'), addressType, ['FQDN', 'IPv4', 'IPv6']);
    const at = FieldPath.of('endpoints');
    if (endpoints.length > maxEndpoints) causes.push(fieldError.tooMany(at, endpoints.length, maxEndpoints));
    for (const [i, { addresses = [], hostname, nodeName }] of endpoints.entries()) {
      const here = at.index(i).child('addresses');
      if (addresses.length === 0) causes.push(fieldError.required(here, 'must contain at least 1 address'));
      else if (addresses.length > maxAddresses)
        causes.push(fieldError.tooMany(here, addresses.length, maxAddresses));
      for (const [a, address] of addresses.entries())
        causes.push(...sliceAddress(here.index(a), addressType, address, ofServer));
      if (hostname !== undefined)
        causes.push(...ruled(at.index(i).child('hostname'), hostname, dns1123Label));
      if (nodeName !== undefined)
        causes.push(...ruled(at.index(i).child('nodeName'), nodeName, dns1123Subdomain));
    }
    const portsPath = FieldPath.of('ports');
    if (ports.length > maxPorts) causes.push(fieldError.tooMany(portsPath, ports.length, maxPorts));
    const names = new Set<string>();
    for (const [i, port] of ports.entries()) {
      const name = port.name ?? '';
      if (name !== '') causes.push(...ruled(portsPath.index(i).child('name'), name, dns1123Label));
      if (names.has(name)) causes.push(fieldError.duplicate(portsPath.child('name'), name));
      names.add(name);
      causes.push(...oneOf(portsPath.index(i).child('protocol'), port.protocol, protocols));
    }
    return causes;
  },
  validateUpdate: (object, old) =>
    immutable(
      FieldPath.of('addressType'),
      given<EndpointSlice>(object).addressType,
      given<EndpointSlice>(old).addressType,
    ),
};
