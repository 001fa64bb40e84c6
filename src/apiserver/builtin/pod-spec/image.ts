/** Reading image references. */

/**
 * The tag of an image: what follows the last colon after the last slash; `latest` without one, nothing for
 * an image named by digest alone.
 */
export function tagOf(image: string): string {
  const [name = '', digest] = image.split('@', 2);
  const last = name.slice(name.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  if (colon >= 0) return last.slice(colon + 1);
  return digest === undefined ? 'latest' : '';
}
