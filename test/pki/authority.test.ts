import { X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { createAuthority, issueCertificate } from '#src/pki/index.js';
import { systemClock } from '#src/system/index.js';

describe('pki', () => {
  it('issues certificates that verify against the authority and carry identity and names', async () => {
    const deps = { clock: systemClock };
    const ca = await createAuthority('gyre', deps);
    const server = new X509Certificate(
      (
        await issueCertificate(
          ca,
          {
            commonName: 'kube-apiserver',
            usage: 'server',
            dnsNames: ['localhost'],
            ipAddresses: ['127.0.0.1'],
          },
          deps,
        )
      ).cert,
    );
    const root = new X509Certificate(ca.cert);
    expect(root.ca).to.equal(true);
    expect(server.verify(root.publicKey)).to.equal(true);
    expect(server.checkIP('127.0.0.1')).to.equal('127.0.0.1');
    expect(server.checkHost('localhost')).to.equal('localhost');
    const client = new X509Certificate(
      (
        await issueCertificate(
          ca,
          { commonName: 'user, "one"', organizations: ['system:masters', 'dev'], usage: 'client' },
          deps,
        )
      ).cert,
    );
    expect(client.verify(root.publicKey)).to.equal(true);
    expect(client.toLegacyObject().subject).to.deep.include({ CN: 'user, "one"' });
    expect(client.subject.split('\n').filter((line) => line.startsWith('O='))).to.deep.equal([
      'O=system:masters',
      'O=dev',
    ]);
  });
});
