import { RuntimeError } from '../errors';

/** The containers whose process does not end on SIGKILL. Their ids are held back until it does. */
export class StuckContainers {
  readonly #errors = new Map<string, RuntimeError>();
  readonly #onStuck: (id: string, error: RuntimeError) => void;
  readonly #outlast: (id: string) => Promise<void>;

  /** onStuck is told of each once; outlast waits until its process has ended and removes it. */
  constructor(onStuck: (id: string, error: RuntimeError) => void, outlast: (id: string) => Promise<void>) {
    this.#onStuck = onStuck;
    this.#outlast = outlast;
  }

  /** Throws ERR_STUCK when the id is held back. */
  check(op: string, id: string): void {
    const stuck = this.#errors.get(id);
    if (stuck) throw new RuntimeError('ERR_STUCK', `${op} ${id}: ${stuck.message}`, { op, containerId: id });
  }

  /** Takes note when that is what an operation failed of. */
  note(id: string, error: unknown): void {
    if (!(error instanceof RuntimeError) || error.code !== 'ERR_STUCK' || this.#errors.has(id)) return;
    this.#errors.set(id, error);
    this.#onStuck(id, error);
    void this.#outlast(id)
      .catch(() => {})
      .finally(() => this.#errors.delete(id));
  }
}
