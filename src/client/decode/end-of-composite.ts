/** Where the objects and arrays of JSON end, by strings and brackets alone: what is between is somebody else's. */
import { ascii } from './bytes.js';

/** After the object or array that starts here; 0 when it does not end. */
export function endOfComposite(bytes: Uint8Array, start: number): number {
  const end = bytes.length;
  let depth = 0;
  let at = start;
  while (at < end) {
    let byte = bytes[at++] as number;
    if (byte === ascii.quote) {
      while (at < end && (byte = bytes[at++] as number) !== ascii.quote) if (byte === ascii.backslash) at++;
      continue;
    }
    // The brackets of one kind differ in one bit from those of the other.
    const bracket = byte | 0x20;
    if (bracket === ascii.openBrace) depth++;
    else if (bracket === ascii.closeBrace && --depth === 0) return at;
  }
  return 0;
}
