/**
 * A root directory of a container's own, made of the host's: what the host has is seen, what is written stays
 * in memory and goes with the container, and volumes are mounted where the pod wants them. Mount points are
 * only ever created in memory, never on the host.
 *
 * This file plans: it looks at the host and writes shell lines, which the container's first process runs in a
 * mount namespace of its own. As root one overlay covers `/`, and the host's other file systems are laid
 * over it, each again as an overlay. In a user namespace the kernel refuses overlays over directories with
 * mounts below them, so the root is a tmpfs with one overlay per top-level directory; a directory with mounts
 * below is bound as it is, unless a volume lies in it: then it is taken apart further.
 */
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import type { Mount } from '../container-runtime.js';
import { type HostMount, hostMounts, isBelow } from '../host-mounts.js';
import { quote } from './shell-scripts.js';

/** Not shown to containers: the kernel's own, and those of other containers. */
const hiddenTypes =
  /^(?:proc|sysfs|cgroup2?|devpts|devtmpfs|mqueue|debugfs|tracefs|securityfs|bpf|pstore|configfs|hugetlbfs|binfmt_misc|rpc_pipefs|fusectl|autofs|nsfs|overlay|efivarfs|squashfs)$/;
/** Devices every container has; the rest of the host's stays out. */
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
/** Directories the container gets for itself, whatever of the host lies there. */
const special = ['/proc', '/sys', '/dev', '/tmp'];
/** What a bind mount in a user namespace must keep when it becomes read-only. */
const lockedOptions = ['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime'];

const isSpecial = (path: string) => special.some((dir) => path === dir || isBelow(path, dir));

type Kind = 'dir' | 'file' | 'link';
function kindOf(path: string): Kind | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  return stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'link' : 'file';
}

/** A mount whose place in the container is known. */
interface Placed {
  readonly mount: Mount;
  readonly target: string;
  readonly directory: boolean;
}

/**
 * Where a path of the container ends up when the host's symbolic links are followed (`/var/run` is `/run`).
 * Below a volume nothing is followed: its content may be anybody's. @throws Error for links below a volume
 */
function place(mount: Mount, placed: readonly Placed[]): string {
  let rest = posix.normalize(`/${mount.containerPath}`).split('/').filter(Boolean);
  let at = '/';
  for (let links = 0; rest.length > 0; ) {
    const [name = '', ...others] = rest;
    const next = posix.join(at, name);
    rest = others;
    const above = placed.findLast((other) => other.target === at || isBelow(at, other.target));
    if (above) {
      const inside = join(above.mount.hostPath, posix.relative(above.target, next));
      if (kindOf(inside) === 'link') {
        throw new Error(
          `mount path ${mount.containerPath} leads through a symbolic link of volume ${above.mount.name}`,
        );
      }
    } else if (kindOf(next) === 'link' && !isSpecial(next)) {
      if (++links > 40)
        throw new Error(`mount path ${mount.containerPath}: too many levels of symbolic links`);
      const goal = posix.resolve(at, readlinkSync(next));
      rest = [...goal.split('/').filter(Boolean), ...rest];
      at = '/';
      continue;
    }
    at = next;
  }
  if (at === '/') throw new Error(`mount path ${mount.containerPath} must not be '/'`);
  return at;
}

/** Parents before children, so that each is mounted on the one around it. */
function placeAll(mounts: readonly Mount[]): Placed[] {
  const placed: Placed[] = [];
  for (const mount of [...mounts].sort((a, b) => depth(a.containerPath) - depth(b.containerPath))) {
    const target = place(mount, placed);
    placed.push({ mount, target, directory: statSync(mount.hostPath).isDirectory() });
  }
  return placed;
}
const depth = (path: string) => posix.normalize(path).split('/').filter(Boolean).length;

export interface PrivateRootInput {
  readonly mode: 'root' | 'userns';
  /** An empty directory of the host for mounts of the namespace. */
  readonly scratch: string;
  readonly mounts: readonly Mount[];
  readonly readOnly: boolean;
}

const functions = `    fs() { out=$(mount "$@" 2>&1) || fail "cannot prepare the container's file system: $out"; }
    overlay() {
      mkdir -p "u/$1" "w/$1" "$root$2"
      mount -t overlay -o "lowerdir=$3,upperdir=u/$1,workdir=w/$1$options" gyre "$root$2" 2>/dev/null && return
      [ "$2" = / ] && fail "cannot prepare the container's file system: the kernel refuses an overlay over /"
      : >"b/$1"
      fs --rbind "$2" "$root$2"
    }
    point() {
      if [ -e "$root$3" ] || [ -L "$root$3" ]; then return; fi
      [ -e "b/$1" ] && fail "cannot mount at $3: it does not exist and may not be created on the host"
      if [ "$2" = dir ]; then mkdir -p "$root$3"; else mkdir -p "\${root}\${3%/*}" && : >"$root$3"; fi ||
        fail "cannot mount at $3: the mount point cannot be created"
    }`;

/** Shell lines for `runScript`. @throws Error for mounts that have no place */
export function privateRoot(input: PrivateRootInput): string {
  const all = hostMounts();
  const others = all.filter((mount) => !isSpecial(mount.path) && mount.path !== '/');
  const placed = placeAll(input.mounts);
  const lines: string[] = [];
  const overlays: string[] = [];
  const mounted = new Set<string>();

  const overlay = (path: string) => {
    const number = overlays.push(path) - 1;
    if (input.mode === 'userns') {
      // The user may not write into directories of others, but may lay own ones over them beforehand.
      for (const { target, directory } of placed) {
        if (!isBelow(target, path) || kindOf(target) !== undefined) continue;
        const upper = `u/${number}/${posix.relative(path, target)}`;
        lines.push(`mkdir -p ${quote(directory ? upper : dirname(upper))}`);
        if (!directory) lines.push(`: >${quote(upper)}`);
      }
    }
    lines.push(`overlay ${number} ${quote(path)} ${quote(path.replace(/[\\,:]/g, '\\$&'))}`);
  };

  const project = (path: string): void => {
    if (mounted.has(path)) return;
    mounted.add(path);
    const kind = kindOf(path);
    if (kind === undefined) return;
    if (kind === 'link') {
      lines.push(`ln -s ${quote(readlinkSync(path))} "$root"${quote(path)}`);
    } else if (kind === 'file') {
      lines.push(`point - file ${quote(path)}`, `fs --bind ${quote(path)} "$root"${quote(path)}`);
    } else if (input.mode === 'root') {
      overlay(path);
      for (const mount of others) {
        if (isBelow(mount.path, path) && !hiddenTypes.test(mount.type)) project(mount.path);
      }
    } else if (path !== '/' && !others.some((mount) => isBelow(mount.path, path))) {
      overlay(path);
    } else if (path === '/' || placed.some(({ target }) => isBelow(target, path))) {
      if (path !== '/') lines.push(`mkdir -p "$root"${quote(path)}`);
      for (const name of readdirSync(path)) {
        const child = posix.join(path, name);
        if (isSpecial(child) || (path === '/' && kindOf(child) === 'file')) continue;
        project(child);
      }
    } else {
      lines.push(`mkdir -p "$root"${quote(path)}`, `fs --rbind ${quote(path)} "$root"${quote(path)}`);
    }
  };
  project('/');

  lines.push('mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/tmp"');
  lines.push('mount -t proc proc "$root/proc" 2>/dev/null || fs --rbind /proc "$root/proc"');
  lines.push('fs --rbind /sys "$root/sys"', 'fs -t tmpfs -o mode=0755 gyre "$root/dev"');
  for (const device of devices) {
    if (kindOf(`/dev/${device}`))
      lines.push(`: >"$root/dev/${device}"`, `fs --bind /dev/${device} "$root/dev/${device}"`);
  }
  lines.push('mkdir "$root/dev/shm" "$root/dev/pts"', 'fs -t tmpfs -o mode=1777 gyre "$root/dev/shm"');
  lines.push(
    'mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 gyre "$root/dev/pts" 2>/dev/null',
    'ln -s pts/ptmx "$root/dev/ptmx"',
  );
  lines.push('ln -s /proc/self/fd "$root/dev/fd"');
  for (const [i, name] of ['stdin', 'stdout', 'stderr'].entries()) {
    lines.push(`ln -s /proc/self/fd/${i} "$root/dev/${name}"`);
  }
  lines.push('fs -t tmpfs -o mode=1777 gyre "$root/tmp"');
  for (const { mount, target, directory } of placed) {
    const shared = ['/sys', '/proc'].some((dir) => isBelow(target, dir));
    if (shared && kindOf(target) === undefined) {
      throw new Error(
        `cannot mount at ${mount.containerPath}: it does not exist and may not be created on the host`,
      );
    }
    const around = overlays.findLastIndex((path) => target === path || isBelow(target, path));
    lines.push(`point ${around < 0 ? '-' : around} ${directory ? 'dir' : 'file'} ${quote(target)}`);
    lines.push(`fs --rbind ${quote(mount.hostPath)} "$root"${quote(target)}`);
    if (mount.readOnly) {
      lines.push(
        `fs -o remount,bind,ro${keptOptions(realpathSync(mount.hostPath), all)} "$root"${quote(target)}`,
      );
    }
  }

  const root = `${input.scratch}/root`;
  return [
    functions,
    `    root=${quote(root)}`,
    `    options=${input.mode === 'userns' ? ',userxattr' : "''"}`,
    `    fs -t tmpfs -o mode=0755 gyre ${quote(input.scratch)}`,
    `    cd ${quote(input.scratch)} && mkdir root u w b || fail "cannot prepare the container's file system"`,
    ...(input.mode === 'userns' ? ['    fs -t tmpfs -o mode=0755 gyre root'] : []),
    ...lines.map((line) => `    ${line}`),
    '    cd "$root" && mkdir .gyre-old && pivot_root . .gyre-old && cd / && umount -l /.gyre-old && rmdir /.gyre-old ||',
    '      fail "cannot enter the container\'s file system"',
    ...(input.readOnly ? readOnlyLines(overlays) : []),
  ].join('\n');
}

function readOnlyLines(overlays: readonly string[]): string[] {
  return [...new Set([...overlays, '/tmp', '/'])].map(
    (path) =>
      `    mount -o remount,bind,ro ${quote(path)} 2>/dev/null || [ ${quote(path)} != / ] || fail "cannot make / read-only"`,
  );
}

/** Options of the file system a path lies on, as text for `mount -o`. */
function keptOptions(path: string, all: readonly HostMount[]): string {
  const around = all.filter((mount) => path === mount.path || isBelow(path, mount.path));
  const nearest = around.reduce<HostMount | undefined>(
    (best, mount) => (best && best.path.length > mount.path.length ? best : mount),
    undefined,
  );
  return lockedOptions
    .flatMap((option) => (nearest?.options.includes(option) ? [`,${option}`] : []))
    .join('');
}
