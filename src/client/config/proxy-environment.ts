/**
 * Which proxy leads to a server, as the environment says: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, read as the
 * Go programs of this field read them. Lower-case names count too, and are second.
 *
 * `NO_PROXY` lists hosts, `.suffixes`, addresses, address ranges (CIDR), each with an optional port, or `*`. A name
 * stands for its subdomains as well. This machine itself is never asked for through a proxy.
 */
import { BlockList, isIP } from 'node:net';
import { KubeconfigError } from './kubeconfig-error.js';

/** The URL of the proxy, or undefined to go there directly. @throws KubeconfigError for one that cannot be used */
export function proxyFromEnvironment(
  server: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const url = new URL(server);
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = env[name] || env[name.toLowerCase()];
  if (!value || isExempt(url, env.NO_PROXY || env.no_proxy || '')) return undefined;
  const proxy = value.includes('://') ? value : `http://${value}`;
  checkedProxy(proxy, name);
  return proxy;
}

/** @throws KubeconfigError, without showing what may be a password in it */
export function checkedProxy(proxy: string, whose: string): URL {
  if (!URL.canParse(proxy)) throw new KubeconfigError(`${whose}: the proxy is not a URL`);
  const url = new URL(proxy);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new KubeconfigError(
      `${whose}: a proxy of type ${JSON.stringify(url.protocol.slice(0, -1))} is not supported: use http or https`,
    );
  return url;
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || isLoopback(host)) return true;
  return list.split(',').some((entry) => matches(entry.trim().toLowerCase(), host, port));
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return inRange(entry, host);
  const [, bracketed, plain, onlyPort] = /^(?:\[([^\]]+)\]|([^:]+|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
  if (onlyPort !== undefined && onlyPort !== port) return false;
  const name = bracketed ?? plain ?? entry;
  if (isIP(name) !== 0) return name === host;
  const domain = name.replace(/^\*?\./, '');
  // `.example.com` means what is below it; `example.com` itself too.
  return host.endsWith(`.${domain}`) || (domain === name && host === domain);
}

function inRange(entry: string, host: string): boolean {
  const family = isIP(host);
  const [address = '', bits = ''] = entry.split('/');
  if (family === 0 || isIP(address) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const range = new BlockList();
  range.addSubnet(address, Number(bits), type);
  return range.check(host, type);
}
