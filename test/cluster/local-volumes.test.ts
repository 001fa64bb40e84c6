/** Real directories: what is made, and what is never touched. */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  existsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LocalVolumeDirectories } from 'gyre/cluster';

describe('LocalVolumeDirectories', () => {
  let dir = '';
  let folder = '';
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'gyre-volumes-')));
    folder = join(dir, 'volumes');
    mkdirSync(join(dir, 'outside'));
    writeFileSync(join(dir, 'outside', 'precious'), 'kept');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  async function refused(work: Promise<unknown>): Promise<string> {
    const error = await work.then(
      () => undefined,
      (e: unknown) => e as Error,
    );
    expect(error, 'refused').to.be.instanceOf(Error);
    expect(readFileSync(join(dir, 'outside', 'precious'), 'utf8')).to.equal('kept');
    return error?.message ?? '';
  }

  it('PV-10 makes a directory that every user may write to, and keeps what is in it', async () => {
    const volumes = new LocalVolumeDirectories(folder);
    const path = await volumes.create('pvc-1');
    expect(path).to.equal(join(folder, 'pvc-1'));
    expect(statSync(path).mode & 0o777).to.equal(0o777);
    writeFileSync(join(path, 'data'), 'x');
    expect(await volumes.create('pvc-1')).to.equal(path);
    expect(readFileSync(join(path, 'data'), 'utf8')).to.equal('x');
  });

  it('PV-9 removes a volume with all that is in it, and again without complaint', async () => {
    const volumes = new LocalVolumeDirectories(folder);
    const path = await volumes.create('pvc-1');
    mkdirSync(join(path, 'deep', 'er'), { recursive: true });
    writeFileSync(join(path, 'deep', 'er', 'data'), 'x');
    await volumes.create('pvc-2');
    await volumes.remove(path);
    await volumes.remove(path);
    expect(existsSync(path)).to.equal(false);
    expect(existsSync(join(folder, 'pvc-2'))).to.equal(true);
  });

  it('does not follow symlinks inside a volume', async () => {
    const volumes = new LocalVolumeDirectories(folder);
    const path = await volumes.create('pvc-1');
    symlinkSync(join(dir, 'outside'), join(path, 'link'));
    await volumes.remove(path);
    expect(existsSync(path)).to.equal(false);
    expect(readFileSync(join(dir, 'outside', 'precious'), 'utf8')).to.equal('kept');
  });

  it('refuses names that are no names', async () => {
    const volumes = new LocalVolumeDirectories(folder);
    for (const name of ['', '.', '..', '../outside', 'a/b', '/etc', 'UPPER', 'a\0b'])
      expect(await refused(volumes.create(name))).to.match(/cannot name a volume/);
  });

  it('leaves everything alone that it did not make', async () => {
    const volumes = new LocalVolumeDirectories(folder);
    await volumes.create('pvc-1');
    const paths = [
      '',
      '/',
      dir,
      folder,
      join(dir, 'outside'),
      `${folder}/../outside`,
      `${folder}/pvc-1/../../outside`,
      `${folder}/pvc-1/`,
      `${folder}/pvc-1/inner`,
      'volumes/pvc-1',
      join(dir, 'nowhere', 'pvc-1'),
    ];
    for (const path of paths) expect(await refused(volumes.remove(path)), path).to.match(/left alone/);
    expect(existsSync(join(folder, 'pvc-1'))).to.equal(true);
  });

  it('leaves a symlink, and what it points to, alone in the place of a volume', async () => {
    const volumes = new LocalVolumeDirectories(folder);
    await volumes.create('pvc-1');
    symlinkSync(join(dir, 'outside'), join(folder, 'pvc-link'));
    expect(await refused(volumes.remove(join(folder, 'pvc-link')))).to.match(/not a directory/);
    expect(await refused(volumes.create('pvc-link'))).to.match(/not a directory/);
    expect(statSync(join(dir, 'outside')).mode & 0o777).to.not.equal(0o777);
  });

  it('finds its volumes under a data directory that is reached through a symlink', async () => {
    symlinkSync(dir, join(dir, 'alias'));
    const path = await new LocalVolumeDirectories(join(dir, 'alias', 'volumes')).create('pvc-1');
    expect(path).to.equal(join(folder, 'pvc-1'));
    await new LocalVolumeDirectories(folder).remove(join(dir, 'alias', 'volumes', 'pvc-1'));
    expect(existsSync(path)).to.equal(false);
  });
});
