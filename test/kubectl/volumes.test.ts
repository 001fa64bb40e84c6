/**
 * Volumes, as a user meets them: the pod of the Kubernetes literature with its four volumes, and claims whose data
 * outlives pods. Real kubectl, real processes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Client, connect, createClient } from 'gyre/client';
import { ConfigMap, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from 'gyre/kinds';
import { gyreUp, root, temporaryFolder } from '../support/processes.js';
import { Kubectl, kubectlOrSkip } from './kubectl.js';

const example = (name: string): string => readFileSync(join(root, 'examples/manifests', name), 'utf8');

describe('kubectl and volumes', function () {
  this.timeout(120_000);
  const started: (() => unknown)[] = [];
  let kubectl: Kubectl;
  let client: Client;
  let dataDir: string;
  /** Stands for the `/data/hostpath` of the examples, which a test must not make on this machine. */
  let hostPath: string;

  before(async function () {
    const binary = kubectlOrSkip(this);
    const folder = temporaryFolder();
    started.push(() => folder[Symbol.dispose]());
    dataDir = join(folder.path, 'data');
    hostPath = join(folder.path, 'hostpath');
    mkdirSync(hostPath);
    writeFileSync(join(hostPath, 'from-the-node'), 'yes\n');
    const { program, kubeconfig } = await gyreUp(dataDir);
    started.push(async () => {
      program.kill('SIGTERM');
      await program.exited;
    });
    const { transport } = await connect({ kubeconfig });
    started.push(() => transport.close());
    client = createClient(transport);
    kubectl = new Kubectl(binary, kubeconfig, folder.path);
  });
  after(async () => {
    for (const stop of started.reverse()) await stop();
  });

  async function ok(args: readonly string[], stdin = ''): Promise<string> {
    const { code, stdout, stderr } = await kubectl.run(args, { stdin });
    expect(code, `kubectl ${args.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  }
  const inNamespace = (namespace: string) => async (args: readonly string[], stdin?: string) =>
    ok(['--namespace', namespace, ...args], stdin);
  const exec = (namespace: string, what: string, script: string) =>
    ok(['--namespace', namespace, 'exec', what, '--', 'sh', '-c', script]);

  it('refuses the example as it is often printed, naming both mounts', async () => {
    const { code, stdout, stderr } = await kubectl.run(['apply', '-f', '-'], {
      stdin: example('volumes-as-printed.yaml'),
    });
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.include('spec.containers[0].volumeMounts[1].name: Not found: "test-volume"');
    expect(stderr).to.include('spec.containers[0].volumeMounts[3].name: Not found: "special-volume"');
  });

  describe('the example with its names mended', () => {
    const namespace = 'volumes';
    const run = inNamespace(namespace);
    before(async () => {
      await client.create(Namespace, { metadata: { name: namespace } });
      await run(['apply', '-f', '-'], example('volumes.yaml').replaceAll('/data/hostpath', hostPath));
      await run(['wait', '--for=condition=Ready', 'pod/test-pod', '--timeout=60s']);
    });

    it('has the right content at the four paths', async () => {
      expect(await exec(namespace, 'test-pod', 'cat /data/configmap/special.how')).to.equal('very');
      expect(await exec(namespace, 'test-pod', 'cat /data/configmap/special.type')).to.equal('charm');
      expect(await exec(namespace, 'test-pod', 'cat /data/secret/username')).to.equal('admin');
      expect(await exec(namespace, 'test-pod', 'cat /data/secret/password')).to.equal('s3cret');
      expect(await exec(namespace, 'test-pod', 'cat /hostpath/from-the-node')).to.equal('yes\n');
      expect(
        await exec(namespace, 'test-pod', 'ls -A /cache; echo kept > /cache/file; cat /cache/file'),
      ).to.equal('kept\n');
    });

    it('writes through hostPath, and nothing to the root of the machine', async () => {
      await exec(namespace, 'test-pod', 'echo hello > /hostpath/from-the-pod; echo x > /written-to-the-root');
      expect(readFileSync(join(hostPath, 'from-the-pod'), 'utf8')).to.equal('hello\n');
      for (const path of ['/cache', '/hostpath', '/data/configmap', '/data/secret', '/written-to-the-root'])
        expect(existsSync(path), path).to.equal(false);
    });

    it('loses the emptyDir with the pod; ConfigMap, Secret and hostPath outlive it', async () => {
      const { metadata } = await client.get(Pod, `${namespace}/test-pod`);
      const volumes = join(dataDir, 'nodes/local/pods/pods', metadata.uid);
      expect(existsSync(volumes)).to.equal(true);
      await run(['delete', 'pod', 'test-pod', '--grace-period=1']);
      expect(existsSync(volumes)).to.equal(false);
      expect(await client.find(ConfigMap, `${namespace}/special-config`)).to.not.equal(undefined);
      expect(await client.find(Secret, `${namespace}/secret-config`)).to.not.equal(undefined);
      expect(readdirSync(hostPath).sort()).to.deep.equal(['from-the-node', 'from-the-pod']);
    });

    it('says what is missing while a hostPath of type Directory is not there', async () => {
      await run(
        ['apply', '-f', '-'],
        example('volumes.yaml').replaceAll('/data/hostpath', `${hostPath}-missing`),
      );
      const deadline = process.uptime() + 30;
      let events = '';
      while (!events.includes('FailedMount') && process.uptime() < deadline)
        events = await run(['events', '--for', 'pod/test-pod']);
      expect(events).to.match(/FailedMount.*hostPath type check failed: .*-missing is not a directory/);
      await run(['delete', 'pod', 'test-pod', '--grace-period=0', '--force']);
    });
  });

  describe('a claim', () => {
    const namespace = 'claims';
    const run = inNamespace(namespace);
    before(async () => {
      await client.create(Namespace, { metadata: { name: namespace } });
      await run(['apply', '-f', '-'], example('claim.yaml'));
      await run(['rollout', 'status', 'deployment/notes', '--timeout=60s']);
    });

    it('carries what one pod wrote to the next, through a rolling update (PV-5)', async () => {
      const first = await exec(namespace, 'deployment/notes', 'cat /notes/visitors');
      expect(first.trim().split('\n')).to.have.length(1);
      await run(['rollout', 'restart', 'deployment/notes']);
      await run(['rollout', 'status', 'deployment/notes', '--timeout=60s']);
      const second = await exec(namespace, 'deployment/notes', 'cat /notes/visitors');
      expect(second.startsWith(first), second).to.equal(true);
      expect(second.trim().split('\n')).to.have.length(2);
    });

    it('PV-9 Delete removes the data with the claim', async () => {
      const { spec } = await client.get(PersistentVolumeClaim, `${namespace}/notes`);
      const volume = spec?.volumeName as string;
      const directory = join(dataDir, 'volumes', volume);
      expect(existsSync(join(directory, 'visitors'))).to.equal(true);
      await run(['delete', 'deployment', 'notes']);
      await run(['wait', '--for=delete', 'pods', '--selector=app=notes', '--timeout=60s']);
      await run(['delete', 'pvc', 'notes', '--timeout=60s']);
      await ok(['wait', '--for=delete', `pv/${volume}`, '--timeout=60s']);
      expect(existsSync(directory)).to.equal(false);
    });

    it('PV-9 Retain keeps the data and the volume', async () => {
      await run(['apply', '-f', '-'], example('claim.yaml'));
      await run(['rollout', 'status', 'deployment/notes', '--timeout=60s']);
      const { spec } = await client.get(PersistentVolumeClaim, `${namespace}/notes`);
      const volume = spec?.volumeName as string;
      await ok(['patch', 'pv', volume, '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}']);
      await run(['delete', 'deployment', 'notes']);
      await run(['wait', '--for=delete', 'pods', '--selector=app=notes', '--timeout=60s']);
      await run(['delete', 'pvc', 'notes', '--timeout=60s']);
      await ok(['wait', '--for=jsonpath={.status.phase}=Released', `pv/${volume}`, '--timeout=60s']);
      const directory = join(dataDir, 'volumes', volume);
      expect(existsSync(join(directory, 'visitors'))).to.equal(true);
      expect(await client.find(PersistentVolume, volume)).to.not.equal(undefined);
      await ok(['delete', 'pv', volume, '--timeout=60s']);
      rmSync(directory, { recursive: true, force: true });
    });
  });
});
