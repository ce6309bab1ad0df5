import type { Deadline } from './deadline';

/** Runs the calls of one key in order, those of different keys side by side. */
export class KeyedQueue {
  readonly #turns = new Map<string, Semaphore>();

  /** A call that is stopped while it waits rejects at once; those behind it keep their order. */
  async run<T>(key: string, deadline: Deadline, call: () => Promise<T>): Promise<T> {
    let turn = this.#turns.get(key);
    if (turn === undefined) {
      turn = new Semaphore(1);
      this.#turns.set(key, turn);
    }
    try {
      return await turn.run(deadline, call);
    } finally {
      if (turn.isIdle && this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}

/** Lets at most `limit` calls run at a time, first come first served. */
export class Semaphore {
  readonly #limit: number;
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(limit: number) {
    this.#limit = limit;
    this.#free = limit;
  }

  /** Nobody runs, and so nobody waits. */
  get isIdle(): boolean {
    return this.#free === this.#limit;
  }

  async run<T>(deadline: Deadline, call: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#admission(deadline);
    try {
      deadline.throwIfStopped();
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #admission(deadline: Deadline): Promise<void> {
    return new Promise<void>((resolve, reject) => {
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
