/**
 * A gate that opens at the end of a turn of the event loop, for all who have come to it at once: when what is pending from
 * sockets has been read, and before anybody waits again. Who comes alone does not wait for others.
 * @param mostTurns it stays closed for so many while each brings more of them; two are worth it where requests come over many
 *   connections, one where all come over the same
 */
export function turnGate(mostTurns = 1): () => Promise<void> {
  let opening: Promise<void> | undefined;
  let came = 0;
  return () => {
    came++;
    opening ??= new Promise((resolve) => {
      const turnEnds = (turns: number, before: number): void => {
        if (came > before && turns < mostTurns) {
          setImmediate(turnEnds, turns + 1, came);
          return;
        }
        opening = undefined;
        came = 0;
        resolve();
      };
      setImmediate(turnEnds, 1, 1);
    });
    return opening;
  };
}
