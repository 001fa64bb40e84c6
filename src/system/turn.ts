/**
 * A gate that opens at the end of each turn of the event loop, for all who have come to it at once: when what is
 * pending from sockets has been read, and before anybody waits again.
 */
export function turnGate(): () => Promise<void> {
  let opening: Promise<void> | undefined;
  return () => {
    opening ??= new Promise((resolve) => {
      setImmediate(() => {
        opening = undefined;
        resolve();
      });
    });
    return opening;
  };
}
