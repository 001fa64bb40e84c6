import { expect } from 'chai';
import http from 'node:http';
import { join } from 'node:path';
import { temporaryFolder } from '../support/processes.js';
import { conformance } from './conformance.js';

const deployment = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'httpd-deployment' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'httpd' } },
    template: {
      metadata: { labels: { app: 'httpd' } },
      spec: { containers: [{ name: 'httpd', image, ports: [{ containerPort: 80 }] }] },
    },
  },
});

function ask(options: http.RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => (text += more));
        response.once('end', () => resolve(text));
      })
      .once('error', reject);
  });
}

conformance('[sig-cli] Kubectl client', (restate) => {
  restate('Kubectl api-versions should check if v1 is in available api versions', async function (k) {
    expect((await k.kubectl(this, ['api-versions'])).split('\n')).to.include('v1');
  });

  restate(
    'Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info',
    async function (k) {
      expect(await k.kubectl(this, ['cluster-info'])).to.match(
        /Kubernetes control plane.*is running at.*https:/,
      );
    },
  );

  restate('Kubectl diff should check if kubectl diff finds a difference for Deployments', async function (k) {
    await k.kubectl(this, ['create', '-f', '-'], { stdin: deployment('httpd:2.4.38-alpine') });
    const { code, stdout } = await k
      .kubectlOf(this)
      .run(['-n', k.namespace, 'diff', '-f', '-'], { stdin: deployment('busybox:1.29-2') });
    expect(code, 'something differs').to.equal(1);
    expect(stdout).to.match(/^-.*httpd:2\.4\.38-alpine$/m);
    expect(stdout).to.match(/^\+.*busybox:1\.29-2$/m);
  });

  restate('Kubectl run pod should create a pod from an image when restart is Never', async function (k) {
    await k.kubectl(this, ['run', 'e2e-test-httpd-pod', '--restart=Never', '--image=httpd:2.4']);
    const { spec } = await k.get(k.at('v1', 'pods', 'e2e-test-httpd-pod'));
    expect(spec.containers[0].image).to.equal('httpd:2.4');
    expect(spec.restartPolicy).to.equal('Never');
    await k.kubectl(this, ['delete', 'pods', 'e2e-test-httpd-pod', '--now']);
  });

  restate('Kubectl version should check is all data is printed', async function (k) {
    const text = await k.kubectl(this, ['version']);
    expect(text).to.match(/Client Version: .*v1\./);
    expect(text).to.match(/Server Version: .*v1\.32/);
    const { serverVersion } = JSON.parse(await k.kubectl(this, ['version', '-o', 'json'])) as {
      serverVersion: Record<string, string>;
    };
    for (const field of [
      'major',
      'minor',
      'gitVersion',
      'gitCommit',
      'gitTreeState',
      'buildDate',
      'goVersion',
      'compiler',
      'platform',
    ])
      expect(serverVersion[field], field).to.be.a('string').and.not.equal('');
  });

  restate('Proxy server should support proxy with --port 0', async function (k) {
    await using proxy = k.kubectlOf(this).start(['proxy', '-p', '0', '--disable-filter']);
    await proxy.waitFor(/Starting to serve on 127\.0\.0\.1:\d+/);
    const port = /:(\d+)/.exec(proxy.stdout)?.[1];
    const answer = JSON.parse(await ask({ host: '127.0.0.1', port, path: '/api/' })) as {
      versions: string[];
    };
    expect(answer.versions).to.deep.equal(['v1']);
  });

  restate('Proxy server should support --unix-socket=/path', async function (k) {
    using folder = temporaryFolder();
    const socketPath = join(folder.path, 'test');
    await using proxy = k.kubectlOf(this).start(['proxy', `--unix-socket=${socketPath}`]);
    await proxy.waitFor(/Starting to serve on/);
    const answer = JSON.parse(await ask({ socketPath, path: '/api/' })) as { versions: string[] };
    expect(answer.versions).to.deep.equal(['v1']);
  });
});
