import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { HostVolumeManager, VolumeError, type VolumeSources } from 'gyre/runtime';
import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from 'gyre/kinds';
import type { Volume } from 'gyre/kinds/core/v1';
import { systemRandom } from '#src/system/index.js';
import { silentLogger } from '#src/telemetry/index.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';

const b64 = (text: string) => Buffer.from(text).toString('base64');

describe('volumes of the host', () => {
  let root: string;
  let clock: VirtualClock;
  let volumes: HostVolumeManager;
  let configMaps: Record<string, Partial<ConfigMap>>;
  let secrets: Record<string, Partial<Secret>>;
  let claims: Record<string, object>;
  let persistent: Record<string, object>;
  let tokens: number;

  const sources: VolumeSources = {
    configMap: async (_namespace, name) => configMaps[name] as ConfigMap | undefined,
    secret: async (_namespace, name) => secrets[name] as Secret | undefined,
    persistentVolumeClaim: async (_namespace, name) => claims[name] as PersistentVolumeClaim | undefined,
    persistentVolume: async (name) => persistent[name] as PersistentVolume | undefined,
    serviceAccountToken: async (_pod, { audience = 'api' }) => `token-${audience}-${++tokens}`,
  };
  const podWith = (...list: Volume[]) =>
    ({
      metadata: { name: 'p', namespace: 'default', uid: 'uid-1', labels: { app: 'web' } },
      spec: {
        nodeName: 'local',
        volumes: list,
        containers: [{ name: 'main', resources: { limits: { memory: '64Mi' } } }],
      },
    }) as unknown as Pod;
  const setUp = async (volume: Omit<Volume, 'name'>) => {
    const prepared = (await volumes.setUp(podWith({ name: 'v', ...volume }), sources)).get('v');
    if (!prepared) throw new Error('not prepared');
    return prepared;
  };
  const failure = async (promise: Promise<unknown>): Promise<string> => {
    try {
      await promise;
    } catch (error) {
      expect(error).to.be.instanceOf(VolumeError);
      return (error as Error).message;
    }
    throw new Error('should have failed');
  };
  const read = (...path: string[]) => readFileSync(join(...path), 'utf8');

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'gyre-volumes-'));
    clock = new VirtualClock();
    volumes = new HostVolumeManager({
      root: join(root, 'node'),
      clock,
      random: systemRandom,
      log: silentLogger,
    });
    configMaps = { config: { data: { a: '1', b: '2' }, binaryData: { bin: b64('\0x') } } };
    secrets = { secret: { data: { password: b64('hunter2') } } };
    claims = {};
    persistent = {};
    tokens = 0;
  });
  afterEach(async () => {
    await volumes.tearDown('uid-1');
    rmSync(root, { recursive: true, force: true });
  });

  it('KL-15 an emptyDir is writable by everybody, stays over a repeated set-up and goes at the end', async () => {
    const { hostPath, readOnly } = await setUp({ emptyDir: {} });
    expect(readOnly).to.equal(false);
    expect(statSync(hostPath).mode & 0o777).to.equal(0o777);
    writeFileSync(join(hostPath, 'file'), 'kept');
    await setUp({ emptyDir: {} });
    expect(read(hostPath, 'file')).to.equal('kept');
    expect(await volumes.podUids()).to.deep.equal(['uid-1']);
    await volumes.tearDown('uid-1');
    await volumes.tearDown('uid-1');
    expect(existsSync(hostPath)).to.equal(false);
    expect(await volumes.podUids()).to.deep.equal([]);
  });

  it('KL-15 an emptyDir in memory is a tmpfs of the size asked for', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const { hostPath } = await setUp({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } });
    if (!read('/proc/self/mountinfo').includes(hostPath)) this.skip();
    await setUp({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } });
    expect(read('/proc/self/mountinfo').split(hostPath)).to.have.length(2);
    expect(() => writeFileSync(join(hostPath, 'big'), Buffer.alloc(2 * 1024 * 1024))).to.throw('ENOSPC');
    await volumes.tearDown('uid-1');
    expect(read('/proc/self/mountinfo')).to.not.contain(hostPath);
    expect(existsSync(hostPath)).to.equal(false);
  });

  describe('KL-15 hostPath', () => {
    const kinds = {
      Directory: 'a directory',
      File: 'a file',
      Socket: 'a socket file',
      CharDevice: 'a character device',
      BlockDevice: 'a block device',
    } as const;
    for (const [type, what] of Object.entries(kinds)) {
      it(`of type ${type} must be ${what}`, async () => {
        const path = join(root, 'missing');
        const text = await failure(setUp({ hostPath: { path, type: type as 'File' } }));
        expect(text).to.equal(
          `MountVolume.SetUp failed for volume "v" : hostPath type check failed: ${path} is not ${what}`,
        );
        expect(existsSync(path)).to.equal(false);
      });
    }

    it('takes what fits its type', async () => {
      const file = join(root, 'file');
      writeFileSync(file, '');
      expect((await setUp({ hostPath: { path: root, type: 'Directory' } })).hostPath).to.equal(root);
      expect((await setUp({ hostPath: { path: file, type: 'File' } })).hostPath).to.equal(file);
      expect((await setUp({ hostPath: { path: '/dev/null', type: 'CharDevice' } })).hostPath).to.equal(
        '/dev/null',
      );
      expect(await failure(setUp({ hostPath: { path: file, type: 'DirectoryOrCreate' } }))).to.contain(
        `${file} is not a directory`,
      );
    });

    it('is made when the type says so, stays at the end, and without a type must be there', async () => {
      await setUp({ hostPath: { path: join(root, 'a/b'), type: 'DirectoryOrCreate' } });
      await setUp({ hostPath: { path: join(root, 'a/file'), type: 'FileOrCreate' } });
      await volumes.tearDown('uid-1');
      expect(statSync(join(root, 'a/b')).mode & 0o777).to.equal(0o755);
      expect(statSync(join(root, 'a/file')).isFile()).to.equal(true);
      expect(await failure(setUp({ hostPath: { path: join(root, 'nothing') } }))).to.contain(
        'does not exist',
      );
      expect(existsSync(join(root, 'nothing'))).to.equal(false);
    });
  });

  describe('KL-15 projected from the API', () => {
    it('a configMap has its keys as files, binary ones too, read-only', async () => {
      const { hostPath, readOnly } = await setUp({ configMap: { name: 'config' } });
      expect(readOnly).to.equal(true);
      expect([read(hostPath, 'a'), read(hostPath, 'b'), read(hostPath, 'bin')]).to.deep.equal([
        '1',
        '2',
        '\0x',
      ]);
      expect(statSync(join(hostPath, 'a')).mode & 0o777).to.equal(0o644);
      expect(readlinkSync(join(hostPath, 'a'))).to.equal('..data/a');
    });

    it('a secret has listed keys at listed paths, with modes', async () => {
      const items = [{ key: 'password', path: 'deep/down/pw', mode: 0o400 }];
      const { hostPath } = await setUp({ secret: { secretName: 'secret', items, defaultMode: 0o440 } });
      expect(read(hostPath, 'deep/down/pw')).to.equal('hunter2');
      expect(statSync(join(hostPath, 'deep/down/pw')).mode & 0o777).to.equal(0o400);
      expect(readdirSync(hostPath).filter((name) => !name.startsWith('..'))).to.deep.equal(['deep']);
    });

    it('is replaced as a whole when it changes, and left alone when it does not', async () => {
      const { hostPath } = await setUp({ configMap: { name: 'config' } });
      const first = readlinkSync(join(hostPath, '..data'));
      await setUp({ configMap: { name: 'config' } });
      expect(readlinkSync(join(hostPath, '..data'))).to.equal(first);
      configMaps = { config: { data: { a: 'new', c: '3' } } };
      await setUp({ configMap: { name: 'config' } });
      const second = readlinkSync(join(hostPath, '..data'));
      expect(second).to.not.equal(first);
      expect(read(hostPath, 'a')).to.equal('new');
      expect(readdirSync(hostPath).sort()).to.deep.equal(['..data', second, 'a', 'c'].sort());
    });

    it('clears away what a crash has left', async () => {
      const { hostPath } = await setUp({ configMap: { name: 'config' } });
      mkdirSync(join(hostPath, '..2020_01_01_00_00_00.half'));
      symlinkSync('..2020_01_01_00_00_00.half', join(hostPath, '..data_tmp'));
      rmSync(join(hostPath, 'b'));
      configMaps = { config: { data: { a: 'new', b: '2' } } };
      await setUp({ configMap: { name: 'config' } });
      const data = readlinkSync(join(hostPath, '..data'));
      expect(readdirSync(hostPath).sort()).to.deep.equal(['..data', data, 'a', 'b'].sort());
      expect(read(hostPath, 'a')).to.equal('new');
    });

    it('says what is missing, unless it is optional', async () => {
      const prefix = 'MountVolume.SetUp failed for volume "v" : ';
      expect(await failure(setUp({ configMap: { name: 'y' } }))).to.equal(`${prefix}configmap "y" not found`);
      expect(await failure(setUp({ secret: { secretName: 'y' } }))).to.equal(`${prefix}secret "y" not found`);
      const items = [{ key: 'zzz', path: 'z' }];
      expect(await failure(setUp({ configMap: { name: 'config', items } }))).to.equal(
        `${prefix}configmap references non-existent config key: zzz`,
      );
      const { hostPath } = await setUp({ configMap: { name: 'y', optional: true } });
      expect(readdirSync(hostPath).filter((name) => !name.startsWith('..'))).to.deep.equal([]);
      expect(lstatSync(join(hostPath, '..data')).isSymbolicLink()).to.equal(true);
    });

    for (const path of ['../out', 'a/../../out', '/etc/out', '..data']) {
      it(`refuses the path ${path}`, async () => {
        const items = [{ key: 'a', path }];
        expect(await failure(setUp({ configMap: { name: 'config', items } }))).to.contain('invalid path');
      });
    }

    it('downwardAPI tells of the pod', async () => {
      const { hostPath } = await setUp({
        downwardAPI: {
          items: [
            { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
            { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
            {
              path: 'memory',
              resourceFieldRef: { containerName: 'main', resource: 'limits.memory', divisor: '1Mi' },
            },
          ],
        },
      });
      expect([read(hostPath, 'name'), read(hostPath, 'labels'), read(hostPath, 'memory')]).to.deep.equal([
        'p',
        'app="web"',
        '64',
      ]);
    });

    it('a projected volume has all its sources, and asks for a new token at 80 % of its life', async () => {
      const projected = {
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: 1000 } },
          { configMap: { name: 'config', items: [{ key: 'a', path: 'ca.crt' }] } },
          { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
        ],
      };
      const { hostPath } = await setUp({ projected });
      expect([read(hostPath, 'token'), read(hostPath, 'ca.crt'), read(hostPath, 'namespace')]).to.deep.equal([
        'token-api-1',
        '1',
        'default',
      ]);
      await clock.advance(799_000);
      await setUp({ projected });
      expect(read(hostPath, 'token')).to.equal('token-api-1');
      await clock.advance(2_000);
      await setUp({ projected });
      expect(read(hostPath, 'token')).to.equal('token-api-2');
    });
  });

  describe('PV-13 claims', () => {
    const claim = (phase: string) => ({
      metadata: { uid: 'c' },
      spec: { volumeName: 'pv' },
      status: { phase },
    });
    const volume = (spec: object) => ({ metadata: { name: 'pv' }, spec });
    const use = () => setUp({ persistentVolumeClaim: { claimName: 'data' } });

    it('are where their bound volume is, and stay', async () => {
      claims = { data: claim('Bound') };
      persistent = {
        pv: volume({
          hostPath: { path: join(root, 'pv'), type: 'DirectoryOrCreate' },
          claimRef: { uid: 'c' },
        }),
      };
      expect(await use()).to.deep.equal({ hostPath: join(root, 'pv'), readOnly: false });
      persistent = { pv: volume({ local: { path: join(root, 'pv') } }) };
      expect((await use()).hostPath).to.equal(join(root, 'pv'));
      await volumes.tearDown('uid-1');
      expect(existsSync(join(root, 'pv'))).to.equal(true);
    });

    it('must be there, bound, and to a volume that is theirs', async () => {
      expect(await failure(use())).to.contain('persistentvolumeclaim "data" not found');
      claims = { data: claim('Pending') };
      expect(await failure(use())).to.contain('error processing PVC default/data: PVC is not bound');
      claims = { data: claim('Bound') };
      expect(await failure(use())).to.contain('persistentvolume "pv" not found');
      persistent = { pv: volume({ hostPath: { path: root }, claimRef: { uid: 'other' } }) };
      expect(await failure(use())).to.contain('is bound to another claim');
    });
  });

  it('says that it does not support a kind', async () => {
    expect(await failure(setUp({ nfs: { server: 'x', path: '/' } }))).to.contain(
      'volumes of kind nfs are not supported by this node',
    );
  });

  describe('subPath', () => {
    it('is made when missing, and may lead through links inside the volume', async () => {
      const prepared = await setUp({ emptyDir: {} });
      const made = await volumes.mountPath(prepared, 'a/b');
      expect(made).to.equal(join(prepared.hostPath, 'a/b'));
      expect(statSync(made).isDirectory()).to.equal(true);
      const config = await setUp({ configMap: { name: 'config' } });
      expect(readFileSync(await volumes.mountPath(config, 'a'), 'utf8')).to.equal('1');
      expect(await volumes.mountPath(prepared, undefined)).to.equal(prepared.hostPath);
    });

    it('never leaves the volume', async () => {
      const prepared = await setUp({ emptyDir: {} });
      symlinkSync('/etc', join(prepared.hostPath, 'out'));
      symlinkSync('/nowhere/at/all', join(prepared.hostPath, 'dangling'));
      for (const path of ['..', 'a/../../b', '/etc', 'out', 'out/ssl', 'dangling', 'dangling/x']) {
        await failure(volumes.mountPath(prepared, path));
      }
      expect(existsSync('/nowhere')).to.equal(false);
    });
  });

  describe('tearing down', () => {
    it('deletes no link target, and what a container has locked up', async () => {
      const outside = join(root, 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'file'), 'precious');
      const { hostPath } = await setUp({ emptyDir: {} });
      symlinkSync(outside, join(hostPath, 'link'));
      mkdirSync(join(hostPath, 'locked'));
      writeFileSync(join(hostPath, 'locked/file'), '');
      chmodSync(join(hostPath, 'locked'), 0);
      await volumes.tearDown('uid-1');
      expect(read(outside, 'file')).to.equal('precious');
      expect(existsSync(hostPath)).to.equal(false);
    });

    it('deletes nothing through a mount', async function () {
      if (process.getuid?.() !== 0) this.skip();
      const outside = join(root, 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'file'), 'precious');
      const { hostPath } = await setUp({ emptyDir: {} });
      mkdirSync(join(hostPath, 'mount'));
      if (spawnSync('mount', ['--bind', outside, join(hostPath, 'mount')]).status !== 0) this.skip();
      await volumes.tearDown('uid-1');
      expect(read(outside, 'file')).to.equal('precious');
      expect(existsSync(hostPath)).to.equal(false);
    });

    it('knows the pods of a former life', async () => {
      await setUp({ emptyDir: {} });
      const next = new HostVolumeManager({
        root: join(root, 'node'),
        clock,
        random: systemRandom,
        log: silentLogger,
      });
      expect(await next.podUids()).to.deep.equal(['uid-1']);
      await next.tearDown('uid-1');
      expect(await next.podUids()).to.deep.equal([]);
    });

    it('takes no uid for a path', async () => {
      await volumes.tearDown('..').catch(() => {});
      expect(existsSync(join(root, 'node/pods'))).to.equal(true);
    });
  });
});
