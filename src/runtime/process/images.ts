/**
 * Images without a registry: a name stands for a command of the host. Some well-known ones are built in.
 */
import { fileURLToPath } from 'node:url';
import { type Mount, RuntimeError } from '../container-runtime.js';
import { fullImageName, type ImageReference, parseImageReference } from './image-reference.js';

/** What an image says about its containers. */
export interface ImageMapping {
  /** Dropped, with `cmd`, when the container has a command. */
  readonly entrypoint?: readonly string[];
  /** Replaced by the container's args. */
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default `/`. */
  readonly workingDir?: string;
}

/** A mapping with the files of the host it needs in the container. */
export interface ResolvedImage extends ImageMapping {
  readonly reference: string;
  readonly mounts: readonly Mount[];
}

/** Who the container is, for images that show it. */
export interface ImageContext {
  readonly namespace: string;
  readonly pod: string;
  readonly port?: number;
  /** Whether mounts put files into place; else host paths are used as they are. */
  readonly hasMounts: boolean;
}

const shells = new Set(['busybox', 'alpine', 'debian', 'ubuntu', 'bash']);
/** Served by the stand-in HTTP server, and its port where the container declares none. */
const servers = new Map([
  ['nginx', 80],
  ['httpd', 80],
  ['http-echo', 5678],
  ['echo', 80],
  ['echo-server', 80],
  ['echoserver', 8080],
  ['agnhost', 80],
]);
const pauseScript = 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done';

const serverPath = fileURLToPath(new URL('./http-server.mjs', import.meta.url));
const serverMounts: readonly Mount[] = [
  { name: 'gyre-node', hostPath: process.execPath, containerPath: '/.gyre/node', readOnly: true },
  { name: 'gyre-server', hostPath: serverPath, containerPath: '/.gyre/http-server.mjs', readOnly: true },
];

function standIn(
  reference: ImageReference,
  user: ImageContext,
): Omit<ResolvedImage, 'reference'> | undefined {
  if (reference.name === 'pause') return { entrypoint: ['sh', '-c', pauseScript], mounts: [] };
  if (shells.has(reference.name)) return { cmd: ['sh'], mounts: [] };
  const port = servers.get(reference.name);
  if (port === undefined) return undefined;
  const program = user.hasMounts
    ? serverMounts.map((mount) => mount.containerPath)
    : [process.execPath, serverPath];
  const about = [
    reference.name,
    fullImageName(reference),
    user.namespace,
    user.pod,
    String(user.port ?? port),
  ];
  return { entrypoint: [...program, ...about], mounts: user.hasMounts ? serverMounts : [] };
}

export class Images {
  readonly #mapped: ReadonlyMap<string, ImageMapping>;

  /** Keys are references or parts of them: `example.com/team/web:1`, `example.com/team/web`, `team/web`, `web`. */
  constructor(mapped: Readonly<Record<string, ImageMapping>>) {
    this.#mapped = new Map(Object.entries(mapped));
  }

  /**
   * @param hasCommand the container brings its own command: then any image will do
   * @throws RuntimeError InvalidImageName, ErrImagePull
   */
  resolve(image: string, hasCommand: boolean, user: ImageContext): ResolvedImage {
    const reference = parseImageReference(image);
    if (!reference) {
      throw new RuntimeError(
        'InvalidImageName',
        `Failed to apply default image tag ${JSON.stringify(image)}: couldn't parse image name ${JSON.stringify(image)}: invalid reference format`,
      );
    }
    const full = fullImageName(reference);
    const { registry, path, name } = reference;
    const keys = [image, full, `${registry}/${path}`, path, path.replace(/^library\//, ''), name];
    const mapping = keys.map((key) => this.#mapped.get(key)).find((found) => found !== undefined);
    const found = mapping ? { ...mapping, mounts: [] } : standIn(reference, user);
    if (found) return { ...found, reference: full };
    if (hasCommand) return { reference: full, mounts: [] };
    throw new RuntimeError(
      'ErrImagePull',
      `image ${JSON.stringify(image)} is not known here: this node runs programs of the host instead of images. ` +
        `Map it with \`gyre up --image ${name}=COMMAND\`, or give the container a command`,
    );
  }
}

/** Command and args as in Kubernetes: `command` replaces the entrypoint and drops cmd, `args` replaces cmd. */
export function commandLine(
  image: ImageMapping,
  command: readonly string[] = [],
  args: readonly string[] = [],
): readonly string[] {
  if (command.length > 0) return [...command, ...args];
  return [...(image.entrypoint ?? []), ...(args.length > 0 ? args : (image.cmd ?? []))];
}
