/** Which proxy the environment names for a server. */
import { expect } from 'chai';
import { KubeconfigError } from 'gyre/client';
import { proxyFromEnvironment } from '#src/client/config/proxy-environment.js';

const proxy = 'http://proxy:3128';
const found = (server: string, noProxy: string) =>
  proxyFromEnvironment(server, { HTTPS_PROXY: proxy, NO_PROXY: noProxy }) !== undefined;

describe('proxy of the environment', () => {
  it('is that of the scheme; lower-case names are second; a scheme may be left out', () => {
    const env = { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:1', http_proxy: 'c:1' };
    expect(proxyFromEnvironment('https://one:6443', env)).to.equal('http://a:1');
    expect(proxyFromEnvironment('http://one:8080', env)).to.equal('http://c:1');
    expect(proxyFromEnvironment('https://one:6443', {})).to.equal(undefined);
  });

  const exempt: readonly [string, string, boolean][] = [
    ['https://one:6443', '', true],
    ['https://one:6443', '*', false],
    ['https://one:6443', 'two, one', false],
    ['https://one:6443', 'one:6443', false],
    ['https://one:6443', 'one:443', true],
    ['https://one', 'one:443', false],
    ['https://api.example.com', 'example.com', false],
    ['https://api.example.com', '.example.com', false],
    ['https://api.example.com', '*.example.com', false],
    ['https://example.com', '.example.com', true],
    ['https://EXAMPLE.com', 'Example.COM', false],
    ['https://notexample.com', 'example.com', true],
    ['https://10.1.2.3:6443', '10.0.0.0/8', false],
    ['https://11.1.2.3:6443', '10.0.0.0/8', true],
    ['https://10.1.2.3:6443', '10.1.2.3', false],
    ['https://10.1.2.3:6443', '10.0.0.0/99', true],
    ['https://[fd00::5]:6443', 'fd00::/8', false],
    ['https://[fd00::5]:6443', '[fd00::5]:6443', false],
    ['https://localhost:6443', '', false],
    ['https://127.0.0.1:6443', '', false],
    ['https://[::1]:6443', '', false],
  ];
  for (const [server, list, through] of exempt)
    it(`goes to ${server} ${through ? 'through it' : 'directly'} when NO_PROXY is "${list}"`, () => {
      expect(found(server, list)).to.equal(through);
    });

  it('refuses one it cannot speak to, without showing its password', () => {
    const refused = () => proxyFromEnvironment('https://one', { HTTPS_PROXY: 'socks5://me:hush@p' });
    expect(refused).to.throw(KubeconfigError, /^HTTPS_PROXY: .*"socks5" is not supported/);
    expect(refused).to.not.throw(/hush/);
  });
});
