/**
 * How deep a YAML text may be nested at most, found in one pass over it: the parser goes down by recursion, and a stack that
 * ends within it takes the whole process with it. Brackets within strings count as well, so that the answer is never too
 * small.
 */

/** Stops at the first place beyond `limit`, and gives what was reached by then. */
export function yamlDepth(text: string, limit: number): number {
  let deepest = 0;
  let brackets = 0;
  /** The columns at which the open block collections began. */
  const columns: number[] = [];
  let at = 0;
  while (at < text.length && deepest <= limit) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const begin = blockDepth(text, at, end, columns);
    for (let i = begin; i < end; i++) {
      const char = text.charCodeAt(i);
      if (char === openList || char === openMap) deepest = Math.max(deepest, ++brackets + columns.length);
      else if ((char === closeList || char === closeMap) && brackets > 0) brackets--;
    }
    deepest = Math.max(deepest, columns.length + brackets);
    at = end + 1;
  }
  return deepest;
}

const [openList, closeList, openMap, closeMap] = [0x5b, 0x5d, 0x7b, 0x7d];
const [space, dash, question, colon] = [0x20, 0x2d, 0x3f, 0x3a];

/** Keeps the columns of the line's indentation and of each `- `, `? ` and `: ` at its head; gives where its content begins. */
function blockDepth(text: string, from: number, to: number, columns: number[]): number {
  let i = from;
  while (i < to && text.charCodeAt(i) === space) i++;
  // An empty line ends nothing.
  if (i === to || text.charCodeAt(i) === 0x0d) return i;
  const open = (column: number): void => {
    if ((columns.at(-1) ?? -1) < column) columns.push(column);
  };
  while ((columns.at(-1) ?? -1) > i - from) columns.pop();
  open(i - from);
  while (i + 1 < to) {
    const char = text.charCodeAt(i);
    const marks = char === dash || char === question || char === colon;
    if (!marks || text.charCodeAt(i + 1) !== space) break;
    i += 2;
    while (i < to && text.charCodeAt(i) === space) i++;
    open(i - from);
  }
  return i;
}
