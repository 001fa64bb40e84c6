/** Image references: `[registry/]path[:tag][@digest]`. */

export interface ImageReference {
  readonly registry: string;
  /** `library/nginx` */
  readonly path: string;
  /** The last part of the path: `nginx`. */
  readonly name: string;
  readonly tag?: string;
  readonly digest?: string;
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const host =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?$/;

/** undefined for text that is no reference. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [beforeDigest = '', digest, ...more] = text.split('@');
  if (more.length > 0) return undefined;
  if (digest !== undefined && !/^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/.test(digest))
    return undefined;
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) return undefined;
  const parts = (hasTag ? beforeDigest.slice(0, colon) : beforeDigest).split('/');
  const [first = ''] = parts;
  const hasRegistry = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  if (hasRegistry && !host.test(first)) return undefined;
  const path = hasRegistry ? parts.slice(1) : parts.length === 1 ? ['library', first] : parts;
  if (!path.every((part) => component.test(part)) || path.join('/').length > 255) return undefined;
  return {
    registry: hasRegistry ? first : 'docker.io',
    path: path.join('/'),
    name: path.at(-1) ?? '',
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The reference in full: `docker.io/library/nginx:latest`. */
export function fullImageName(reference: ImageReference): string {
  const { registry, path, tag, digest } = reference;
  const version =
    digest === undefined ? `:${tag ?? 'latest'}` : `${tag === undefined ? '' : `:${tag}`}@${digest}`;
  return `${registry}/${path}${version}`;
}
