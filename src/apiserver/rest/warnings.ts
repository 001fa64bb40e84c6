/** What clients are told although, or beside that, a request went through: `Warning` headers (RFC 7234, 299). */

/** All warnings of an answer together, and each of them once they are too much; characters. */
const maxTotal = 4096;
const maxEach = 256;

/** Every text once, in order; too many are cut short, and what still does not fit is left out. */
export function warningHeader(warnings: readonly string[]): string {
  const all = [...new Set(warnings)].filter((text) => text !== '').map((text) => [...text]);
  const size = all.reduce((sum, text) => sum + text.length, 0);
  const told: string[] = [];
  let written = 0;
  for (const text of all) {
    if (size > maxTotal && written >= maxTotal) break;
    const shown = size > maxTotal ? text.slice(0, maxEach) : text;
    written += shown.length;
    told.push(
      `299 - "${shown
        .join('')
        .replace(/\p{Cc}+/gu, ' ')
        .replace(/[\\"]/g, '\\$&')}"`,
    );
  }
  return told.join(', ');
}
