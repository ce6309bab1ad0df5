export function nowNs(): number {
  return Number(process.hrtime.bigint());
}

/** Nanoseconds that an asynchronous call takes until it resolves. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await call();
  return Number(process.hrtime.bigint() - start);
}

/** Appends a value to a measure's samples. */
export function add(samples: Record<string, number[]>, measure: string, value: number): void {
  samples[measure] ??= [];
  samples[measure].push(value);
}

/**
 * The longest time between two turns of the event loop, while it would have nothing else to do: what a timer or a
 * socket of the application would have had to wait. It turns all the time, so it needs a processor of its own.
 */
export class LoopWatch {
  #longestNs = 0;
  #last = 0n;
  #on = true;

  constructor() {
    this.#last = process.hrtime.bigint();
    setImmediate(this.#turn);
  }

  #turn = (): void => {
    const now = process.hrtime.bigint();
    const gap = Number(now - this.#last);
    if (gap > this.#longestNs) this.#longestNs = gap;
    this.#last = now;
    if (this.#on) setImmediate(this.#turn);
  };

  /** Forgets what was before. */
  reset(): void {
    this.#longestNs = 0;
    this.#last = process.hrtime.bigint();
  }

  /** Longest gap since the last reset, the one that is still open included. */
  longestNs(): number {
    return Math.max(this.#longestNs, Number(process.hrtime.bigint() - this.#last));
  }

  stop(): void {
    this.#on = false;
  }
}
