import { Deadline } from '../runtime/deadline';
import type { CreateOptions, Settings } from '../runtime/options';
import { makePrivateDirectory } from '../system/private-directory';
import { Semaphore } from './queue';

/** The creates under way: no more at a time than maxConcurrentCreates, each with createTimeoutMs from its turn on. */
export class Creates {
  readonly #settings: Settings;
  readonly #places: Semaphore;
  #hasRoot = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#places = new Semaphore(settings.maxConcurrentCreates);
  }

  /** Makes the root, which the first create does. A time limit of the caller's own counts from the call on. */
  run<T>(
    id: string,
    { signal, timeoutMs }: CreateOptions,
    deadline: Deadline,
    create: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    return this.#places.run(deadline, async () => {
      // Once: where it is removed afterwards, the runtime makes it again (mode 0700).
      if (!this.#hasRoot) makePrivateDirectory(this.#settings.root);
      this.#hasRoot = true;
      if (timeoutMs !== undefined) return create(deadline);
      const watchdog = new Deadline('create', id, {
        timeoutMs: this.#settings.createTimeoutMs,
        ...(signal ? { signal } : {}),
      });
      try {
        return await create(watchdog);
      } finally {
        watchdog.dispose();
      }
    });
  }
}
