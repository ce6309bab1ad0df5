import type { Deadline } from '../runtime/deadline';

/** Those who wait for one turn, in their order. */
type Waiting = Array<() => void>;

/** Resolves when it is our turn. Whoever is stopped while it waits rejects at once; those behind it keep their order. */
function admission(waiting: Waiting, deadline: Deadline): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const admit = (): void => {
      cancel();
      resolve();
    };
    waiting.push(admit);
    const cancel = deadline.onStop(() => {
      const at = waiting.indexOf(admit);
      if (at >= 0) waiting.splice(at, 1);
      reject(deadline.error());
    });
  });
}

/** Runs the calls of one key in order, those of different keys side by side. */
export class KeyedQueue {
  readonly #waiting = new Map<string, Waiting>();

  async run<T>(key: string, deadline: Deadline, call: () => Promise<T>): Promise<T> {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, []);
    else await admission(waiting, deadline);
    try {
      deadline.throwIfStopped();
      return await call();
    } finally {
      const next = this.#waiting.get(key)?.shift();
      if (next) next();
      else this.#waiting.delete(key);
    }
  }
}

/** Lets at most `limit` calls run at a time, first come first served. */
export class Semaphore {
  #free: number;
  readonly #waiting: Waiting = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(deadline: Deadline, call: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await admission(this.#waiting, deadline);
    try {
      deadline.throwIfStopped();
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
