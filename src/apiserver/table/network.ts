/** How services and what stands behind them are printed. */
import type { Endpoints, Service } from '../../api/kinds/core/v1.js';
import type { EndpointSlice } from '../../api/kinds/discovery/v1.js';
import type { Ingress, IngressClass, NetworkPolicy } from '../../api/kinds/networking/v1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, nameColumn, type Printer, printer } from './column.js';
import { firstOf, labelsText, none, orNone, selectorText, unknown, unset } from './format.js';

const shownAddresses = 3;

type LoadBalancer =
  | { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] }
  | undefined;

function loadBalancerText(status: LoadBalancer): string {
  const addresses = (status?.ingress ?? [])
    .map(({ ip, hostname }) => ip || hostname || '')
    .filter((a) => a !== '');
  return [...new Set(addresses)].sort().join(',');
}

function externalIp({ spec, status }: Given<Service>): string {
  const own = (spec?.externalIPs ?? []).join(',');
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return orNone(own);
    case 'LoadBalancer':
      return [loadBalancerText(status?.loadBalancer), own].filter((t) => t !== '').join(',') || '<pending>';
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return unknown;
  }
}

function servicePorts({ spec }: Given<Service>): string {
  const ports = (spec?.ports ?? []).map(
    ({ port = 0, nodePort, protocol = 'TCP' }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`,
  );
  return orNone(ports.join(','));
}

function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function endpointsText({ subsets = [] }: Given<Endpoints>): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip = '' }) => ip)
      : ports.flatMap(({ port = 0 }) => addresses.map(({ ip = '' }) => joinHostPort(ip, port))),
  );
  return orNone(firstOf(all, all.length, shownAddresses));
}

function ingressHosts({ spec }: Given<Ingress>): string {
  const rules = spec?.rules ?? [];
  const hosts: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (hosts.length === shownAddresses) more = true;
    else if (host) hosts.push(host);
  }
  if (hosts.length === 0) return '*';
  return more ? `${hosts.join(',')} + ${rules.length - shownAddresses} more...` : hosts.join(',');
}

function parametersText({ spec }: Given<IngressClass>): string {
  const parameters = spec?.parameters;
  if (!parameters) return none;
  const group = parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
  return `${parameters.kind ?? ''}${group}/${parameters.name ?? ''}`;
}

export const networkPrinters: Readonly<Record<string, Printer>> = {
  '/Service': printer<Service>([
    nameColumn,
    { name: 'Type', cell: (o) => o.spec?.type ?? '' },
    { name: 'Cluster-IP', cell: (o) => orNone(o.spec?.clusterIPs?.[0] ?? o.spec?.clusterIP) },
    { name: 'External-IP', cell: externalIp },
    { name: 'Port(s)', cell: servicePorts },
    ageColumn,
    { name: 'Selector', wide: true, cell: (o) => labelsText(o.spec?.selector) },
  ]),
  '/Endpoints': printer<Endpoints>([nameColumn, { name: 'Endpoints', cell: endpointsText }, ageColumn]),
  'discovery.k8s.io/EndpointSlice': printer<EndpointSlice>([
    nameColumn,
    { name: 'AddressType', cell: (o) => o.addressType ?? '' },
    {
      name: 'Ports',
      cell: ({ ports = [] }) => {
        const texts = ports.map(({ port, name }) => (port === undefined ? (name ?? '*') : `${port}`));
        return firstOf(texts, texts.length, shownAddresses) || unset;
      },
    },
    {
      name: 'Endpoints',
      cell: ({ endpoints = [] }) => {
        const addresses = endpoints.flatMap((e) => e.addresses ?? []);
        return firstOf(addresses, addresses.length, shownAddresses) || unset;
      },
    },
    ageColumn,
  ]),
  'networking.k8s.io/Ingress': printer<Ingress>([
    nameColumn,
    { name: 'Class', cell: (o) => o.spec?.ingressClassName ?? none },
    { name: 'Hosts', cell: ingressHosts },
    { name: 'Address', cell: (o) => loadBalancerText(o.status?.loadBalancer) },
    { name: 'Ports', cell: (o) => (o.spec?.tls?.length ? '80, 443' : '80') },
    ageColumn,
  ]),
  'networking.k8s.io/IngressClass': printer<IngressClass>([
    nameColumn,
    { name: 'Controller', cell: (o) => o.spec?.controller ?? '' },
    { name: 'Parameters', cell: parametersText },
    ageColumn,
  ]),
  'networking.k8s.io/NetworkPolicy': printer<NetworkPolicy>([
    nameColumn,
    { name: 'Pod-Selector', cell: (o) => selectorText(o.spec?.podSelector) },
    ageColumn,
  ]),
};
