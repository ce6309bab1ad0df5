/**
 * What was worked out from the last few inputs, for services that make the same container again and again. Inputs are
 * compared whole, so an answer is never another input's.
 */
export class Recent<I extends Buffer | string, O> {
  readonly #limit: number;
  readonly #entries: Array<{ input: I; output: O }> = [];

  constructor(limit = 8) {
    this.#limit = limit;
  }

  /** The output of this input, made now if it is not among the last ones. What `make` throws is not kept. */
  get(input: I, make: () => O): O {
    const at = this.#entries.findIndex((entry) => isSame(entry.input, input));
    const entry = at < 0 ? { input, output: make() } : (this.#entries[at] as { input: I; output: O });
    if (at !== 0) {
      if (at > 0) this.#entries.splice(at, 1);
      this.#entries.unshift(entry);
      this.#entries.length = Math.min(this.#entries.length, this.#limit);
    }
    return entry.output;
  }
}

function isSame(a: Buffer | string, b: Buffer | string): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : a.equals(b);
}
