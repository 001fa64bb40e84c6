/**
 * Links in pages that come through the proxy: those to the root of their own host get the path they are reached under
 * (as the proxy of Kubernetes does for `text/html`). Everything else passes as it is, byte by byte.
 */
import { Transform } from 'node:stream';

/** Attributes of HTML that hold an address. */
const attribute =
  /(\s(?:href|src|action|formaction|cite|background|codebase|data|longdesc|manifest|poster|profile|icon)\s*=\s*["']?)(\/(?!\/)[^"'\s>]*)/gi;
/** A tag longer than this is passed on unread. */
const maxTag = 64 * 1024;

export function rewriteLinks(prefix: string): Transform {
  let rest = '';
  const rewritten = (html: string): Buffer =>
    Buffer.from(
      html.replaceAll(/<[a-z][^>]*>/gi, (tag) =>
        tag.replaceAll(attribute, `$1${prefix.replaceAll('$', '$$$$')}$2`),
      ),
      'latin1',
    );
  return new Transform({
    transform(chunk: Buffer, _encoding, passed) {
      const html = rest + chunk.toString('latin1');
      const open = html.lastIndexOf('<');
      const whole = open < 0 || html.includes('>', open) || html.length - open > maxTag ? html.length : open;
      rest = html.slice(whole);
      passed(null, rewritten(html.slice(0, whole)));
    },
    flush(passed) {
      passed(null, rewritten(rest));
    },
  });
}

/** A `Location` as the client can follow it; another host's stays. */
export function rewriteLocation(location: string, prefix: string, host: string): string {
  if (location.startsWith('/') && !location.startsWith('//')) return prefix + location;
  const own = /^https?:\/\/([^/?#]+)(.*)$/i.exec(location);
  return own && own[1] === host ? `${prefix}${own[2]}` : location;
}
