import { RuntimeError } from '../errors';
import { native } from '../native';
import type { Interrupted } from '../recovery/interrupted-creates';
import { Deadline } from '../runtime/deadline';
import { operationError } from '../runtime/operation-error';
import {
  type CallOptions,
  callNames,
  checkCall,
  kMark,
  type MarkedOptions,
  type Settings,
} from '../runtime/options';
import { checkPrivateDirectory } from '../system/private-directory';
import { checkId } from './ids';
import { KeyedQueue } from './queue';

/** What every call on a container goes through: it is checked, waits for its turn, and looks whose root it is. */
export class Turns {
  readonly #settings: Settings;
  readonly #findInterrupted: () => readonly Interrupted[];
  readonly #unknown: () => Promise<unknown> | null;
  readonly #queue = new KeyedQueue();
  #isClosed = false;
  #hasOwnRoot = false;
  #recovered: Promise<unknown> = Promise.resolve();
  #endedThreads = 0;

  /** Every later call on the id of an interrupted create waits for its recovery. */
  constructor(
    settings: Settings,
    findInterrupted: () => readonly Interrupted[],
    /** What every call waits for: null when it need not. */
    unknown: () => Promise<unknown> | null,
  ) {
    this.#settings = settings;
    this.#unknown = unknown;
    this.#findInterrupted = findInterrupted;
    this.#recover();
  }

  /** Settles when the creates of killed processes, and of ended workers, have been waited for or removed. */
  get recovered(): Promise<unknown> {
    return this.#recovered;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Lets no later call in. */
  close(): void {
    this.#isClosed = true;
  }

  check(id: string, o: CallOptions, names = callNames): void {
    checkCall(o, names);
    checkId(id, this.#settings.idRules);
    this.checkOpen(id);
  }

  checkOpen(what: string): void {
    if (this.#isClosed)
      throw new RuntimeError('ERR_ABORTED', `${what}: this DobbyRunC is disposed`, { op: 'check' });
    // A worker that has ended meanwhile may have had creates under way.
    if (native.endedEnvironments() !== this.#endedThreads) this.#recover();
  }

  #recover(): void {
    this.#endedThreads = native.endedEnvironments();
    const interrupted = this.#findInterrupted();
    if (interrupted.length === 0) return;
    this.#recovered = Promise.all([
      this.#recovered,
      ...interrupted.map(({ id, recover }) =>
        this.#queue.run(id, new Deadline('recover', id, {}), async () => {
          await this.#unknown();
          await recover();
        }),
      ),
    ]);
  }

  /** Another user's root would have his word for which process to kill. Looked at until it is there and ours. */
  checkRoot(): void {
    if (!this.#hasOwnRoot) this.#hasOwnRoot = checkPrivateDirectory(this.#settings.root);
  }

  /** One operation on one container: behind all that was asked of that container before. */
  async take<T>(
    op: string,
    id: string,
    o: CallOptions,
    call: (deadline: Deadline) => Promise<T>,
    names = callNames,
  ): Promise<T> {
    this.check(id, o, names);
    const deadline = new Deadline(op, id, o);
    try {
      return await this.#queue.run(id, deadline, () => {
        this.checkRoot();
        (o as MarkedOptions)[kMark]?.check(op);
        const unknown = this.#unknown();
        return unknown === null ? call(deadline) : deadline.race(unknown).then(() => call(deadline));
      });
    } catch (error) {
      throw operationError(error, op, id);
    } finally {
      deadline.dispose();
    }
  }
}
