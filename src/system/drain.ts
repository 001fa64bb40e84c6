/**
 * Resolves when the microtask queue has run empty: Node takes the next macrotask only then. A virtual
 * clock waits on this between two ticks.
 */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
