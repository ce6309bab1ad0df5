import type { Deadline } from './deadline';

/** Runs the calls of one key in order, those of different keys side by side. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** A call that is stopped while it waits rejects at once; those behind it keep their order. */
  async run<T>(key: string, deadline: Deadline, call: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    let release: () => void = () => {};
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before ? before.then(() => mine) : mine;
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    try {
      if (before) await deadline.race(before);
      deadline.throwIfStopped();
      return await call();
    } finally {
      release();
    }
  }
}

/** Lets at most `limit` calls run at a time, first come first served. */
export class Semaphore {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(deadline: Deadline, call: () => Promise<T>): Promise<T> {
    await this.#acquire(deadline);
    try {
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  async #acquire(deadline: Deadline): Promise<void> {
    deadline.throwIfStopped();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const admit = (): void => {
        cancel();
        resolve();
      };
      this.#waiting.push(admit);
      const cancel = deadline.onStop(() => {
        const at = this.#waiting.indexOf(admit);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(deadline.error());
      });
    });
  }
}
