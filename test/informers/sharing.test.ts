/** What an informer over HTTP holds: equal parts once, and what did not change as it was. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { firstValueFrom } from 'rxjs';
import { createClient, createHttpTransport } from 'gyre/client';
import { createInformer } from 'gyre/informers';
import { Pod } from 'gyre/kinds';
import { systemClock, systemRandom } from '#src/system/index.js';

const event = (type: string, name: string, resourceVersion: string, phase: string) => {
  const metadata = { name, namespace: 'default', uid: name, resourceVersion, managedFields: [{}] };
  const containers = [{ name: 'web', image: 'web:1' }];
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { ...metadata, labels: { app: 'web' } },
    spec: { nodeName: `node-of-${name}`, containers },
    status: { phase },
  };
  return `${JSON.stringify({ type, object })}\n`;
};
const annotations = { 'k8s.io/initial-events-end': 'true' };
const end = `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '3', annotations } } })}\n`;

describe('informer over HTTP: sharing', () => {
  it('holds equal parts of objects once, and keeps the parts that an event does not change', async () => {
    let open!: (response: ServerResponse) => void;
    const opened = new Promise<ServerResponse>((resolve) => {
      open = resolve;
    });
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(event('ADDED', 'a', '1', 'Pending') + event('ADDED', 'b', '2', 'Pending') + end);
      open(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const transport = createHttpTransport({
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    const informer = createInformer(
      createClient(transport),
      Pod,
      {},
      { clock: systemClock, random: systemRandom },
    );
    try {
      informer.start();
      await informer.ready;
      const a = informer.cache.get('default/a');
      const b = informer.cache.get('default/b');
      expect(a?.spec?.containers).to.equal(b?.spec?.containers);
      expect(a?.metadata.labels).to.equal(b?.metadata.labels);
      expect(a?.metadata).to.not.have.property('managedFields');
      const told = firstValueFrom(informer.events$);
      (await opened).write(event('MODIFIED', 'a', '4', 'Running'));
      const { object: now } = await told;
      expect(now.status?.phase).to.equal('Running');
      expect(now.spec).to.equal(a?.spec);
      expect(now.metadata.labels).to.equal(a?.metadata.labels);
    } finally {
      informer.stop();
      transport.close();
      server.closeAllConnections();
      server.close();
    }
  });
});
