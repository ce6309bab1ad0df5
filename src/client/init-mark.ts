import { RuntimeError } from '../errors';
import type { Settings } from '../runtime/options';
import { type InitIdentity, initIdentity, stateFile } from '../runtime/state-file';
import { FileStamp } from '../system/file-stamp';

const now = new FileStamp();

/**
 * Which container a handle means: the init that the state file named when the handle was made. An id is not enough, as
 * anybody may remove the container and make another one under it.
 */
export class InitMark {
  readonly #settings: Settings;
  readonly #id: string;
  readonly #identity: InitIdentity | null;
  readonly #stamp = new FileStamp();

  constructor(settings: Settings, id: string) {
    this.#settings = settings;
    this.#id = id;
    this.#stamp.take(stateFile(settings, id));
    this.#identity = initIdentity(settings, id);
  }

  /** Whether the id is another container's by now; not when there is none, which the runtime says better. */
  isReplaced(): boolean {
    if (this.#identity === null) return false;
    if (!now.take(stateFile(this.#settings, this.#id)) || now.isSame(this.#stamp)) return false;
    const current = initIdentity(this.#settings, this.#id);
    if (current === null) return false;
    const { pid, startTime } = this.#identity;
    if (current.pid !== pid || current.startTime !== startTime) return true;
    // runc writes it anew when it starts, pauses or updates a container.
    this.#stamp.set(now);
    return false;
  }

  /** @throws ERR_CONTAINER_NOT_FOUND */
  check(op: string): void {
    if (!this.isReplaced()) return;
    const message = `${op} ${this.#id}: the container has been removed, and replaced by another one of the same id`;
    throw new RuntimeError('ERR_CONTAINER_NOT_FOUND', message, { op, containerId: this.#id });
  }
}
