/**
 * Doing many things that may all fail for one reason (RS-3): one first, then two, four and so on, as long
 * as all succeed. A quota that is used up costs one refused request, not five hundred.
 */

/** The size of the first batch (RS-1). */
const initialBatchSize = 1;

/**
 * Calls `act` up to `count` times; a batch in which one fails is the last.
 * @throws what the first one that failed threw, after its whole batch has settled
 */
export async function slowStart(count: number, act: () => Promise<void>): Promise<void> {
  let size = initialBatchSize;
  for (let left = count; left > 0; ) {
    const batch = Math.min(size, left);
    const results = await Promise.allSettled(Array.from({ length: batch }, act));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
    left -= batch;
    size *= 2;
  }
}
