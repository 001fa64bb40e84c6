import { expect } from 'chai';
import { PodAddresses } from '#src/runtime/process/pod-addresses.js';

describe('pod addresses', () => {
  it('gives each address once, goes round, and gives a released one again', () => {
    const addresses = new PodAddresses('127.64.0.0/29');
    const all = Array.from({ length: 5 }, () => addresses.allocate());
    expect(all).to.deep.equal(['127.64.0.2', '127.64.0.3', '127.64.0.4', '127.64.0.5', '127.64.0.6']);
    expect(addresses.allocate()).to.equal(undefined);
    addresses.release('127.64.0.4');
    expect(addresses.allocate()).to.equal('127.64.0.4');
  });

  it('does not give what a former life has given', () => {
    const addresses = new PodAddresses('127.64.0.0/12');
    addresses.reserve('127.64.0.2');
    addresses.reserve('127.64.3.255');
    expect(addresses.allocate()).to.equal('127.64.4.0');
  });

  it('refuses what is no range', () => {
    for (const text of ['', '127.0.0.1', '127.0.0.0/33', '300.0.0.0/12', '::1/64']) {
      expect(() => new PodAddresses(text), text).to.throw(TypeError);
    }
  });
});
