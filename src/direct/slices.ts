/**
 * Work on the loop in slices, so that nothing else waits longer than about kSliceMs: call pause() between two
 * steps; it returns a promise when the slice is used up.
 */
export class Slices {
  #start = performance.now();

  isUsedUp(): boolean {
    return performance.now() - this.#start > kSliceMs;
  }

  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#start = performance.now();
  }
}

/** Of the 0.2 ms that an operation may keep the loop: one more step follows the check. */
const kSliceMs = 0.13;
