import { sigkill } from '../process/signals';
import type { ContainerListItem } from '../runtime/status';
import { attempt, type Direct, reason, Unfamiliar } from '../system/unfamiliar';
import { Slices } from './slices';

export type { Direct } from '../system/unfamiliar';

import { RuntimeError } from '../errors';
import { cgroupMode, setFrozen, writeCgroupFile } from '../runtime/cgroup';
import { Deadline } from '../runtime/deadline';
import { settlesWithin, stuckError, stuckMs } from '../runtime/stuck';
import type { Adapter } from './adapter';
import { cleanUp, knownEntriesOf } from './clean-up';
import { Found } from './found-container';
import { KeptInits } from './kept-inits';
import type { ListEntry, OciState } from './state';
import { type DirectVerb, nearestAdapter, type RuntimeKind, versionGate } from './versions';

export type { ListEntry, OciState } from './state';
export { versionGate } from './versions';

export interface DirectOptions {
  kind: RuntimeKind;
  /** As `--version` prints it; '' when it is not known. */
  version: string;
  /** Absolute. */
  root: string;
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
  /** Whether the runtime would be started with NOTIFY_SOCKET: its `start` then does more. */
  hasNotifySocket?: boolean;
  /** Of a version that is in no table: the verbs that a proof has shown to be equal. */
  proven?: ReadonlySet<DirectVerb>;
}

const kLateStartMs = 1000;
const kMaxSignal = 64;

/** The verbs of a runtime, done without starting it wherever that is known to be exactly the same. */
export class DirectOperations {
  readonly #options: DirectOptions;
  readonly #adapter: Adapter | null;
  readonly #why: string;
  readonly #kept = new KeptInits();
  /** Starts that go on although their callers have given up. */
  readonly #starting = new Map<string, Promise<void>>();

  constructor(options: DirectOptions) {
    this.#options = options;
    const chosen = attempt(() => chooseAdapter(options));
    this.#adapter = chosen.done ? chosen.value : null;
    this.#why = chosen.done ? '' : chosen.why;
  }

  /**
   * Remembers the init of a container that this process created or adopted, and reads its files now, so that they
   * need not be read when it is to be started. The caller vouches that the process has not been reaped yet.
   */
  keep(id: string, pid: number): void {
    const adapter = this.#adapter;
    if (adapter === null || !this.#kept.keep(id, pid)) return;
    // What is unfamiliar in them is told by the operation that needs them.
    attempt(() => {
      adapter.identity(id);
      adapter.plan(id);
    });
  }

  /** Whether its verbs are known, by the table or by a proof. */
  get isProven(): boolean {
    const { kind, version, proven } = this.#options;
    return proven !== undefined || 'adapter' in versionGate(kind, version);
  }

  forget(id: string): void {
    this.#kept.drop(id);
    this.#adapter?.forget(id);
  }

  state(id: string): Direct<OciState> {
    return attempt(() => {
      this.#check('state');
      const found = this.#find(id);
      return found.adapter.state(id, found.standing());
    });
  }

  /** In the order of the runtime's `list`. Works in slices: the loop is kept for about 0.1 ms at a time. */
  list(): Promise<Direct<ContainerListItem[]>> {
    return attemptLater(() => this.#list(toItem));
  }

  /** As list(), but with the runtime's own field names and formats. */
  listEntries(): Promise<Direct<ListEntry[]>> {
    return attemptLater(() => this.#list((entry) => entry));
  }

  async #list<T>(convert: (entry: ListEntry) => T): Promise<T[]> {
    this.#check('list');
    const adapter = this.#need();
    const slices = new Slices();
    const names = adapter.listNames();
    const all = new Set(names);
    adapter.keepOnly(all);
    this.#kept.keepOnly(all);
    const items: T[] = [];
    for (const name of names) {
      if (slices.isUsedUp()) await slices.next();
      const identity = adapter.listIdentity(name);
      if (identity === null) continue;
      const kept = this.#kept.keepListed(name, identity);
      const found = new Found(name, this.#options.root, adapter, identity, kept);
      items.push(convert(adapter.listEntry(name, found.standing())));
    }
    return items;
  }

  /** Rejects when the deadline comes after the point of no return: the container then starts all the same. */
  start(id: string, deadline = new Deadline('start', id, {})): Promise<Direct<void>> {
    return attemptLater(async () => {
      this.#check('start');
      deadline.throwIfStopped();
      // Two readers of one fifo would take each other's word.
      const before = this.#starting.get(id);
      if (before) await deadline.race(before);
      const found = this.#find(id);
      const { adapter } = found;
      if (this.#options.hasNotifySocket === true) throw new Unfamiliar('NOTIFY_SOCKET is set');
      if (!adapter.mayStart(found.identity, found.probe)) throw found.refusal();
      if (adapter.plan(id).hasPoststartHooks) throw new Unfamiliar('it has poststart hooks');
      const started = adapter.start(found.fifo, () => found.pidfd());
      if (started === undefined) return;
      const over = started
        .catch(() => {})
        .finally(() => {
          if (this.#starting.get(id) === over) this.#starting.delete(id);
        });
      this.#starting.set(id, over);
      try {
        await deadline.race(started);
      } catch (error) {
        // It is through in a moment: whoever is told that it was given up finds the container started, not between.
        await settlesWithin(over, kLateStartMs);
        throw error;
      }
    });
  }

  kill(id: string, signal: number, all: boolean): Direct<void> {
    return attempt(() => {
      this.#check('kill');
      if (!Number.isInteger(signal) || signal < 1 || signal > kMaxSignal) {
        throw new Unfamiliar(`signal ${signal}`);
      }
      const found = this.#find(id);
      if (all) killAll(found, signal);
      else killInit(found, signal);
    });
  }

  pause(id: string): Promise<Direct<void>> {
    return attemptLater(async () => {
      this.#check('pause');
      const found = this.#find(id);
      if (!found.adapter.mayPause(found.identity, found.probe)) throw found.refusal();
      await freeze(found, true);
    });
  }

  resume(id: string): Promise<Direct<void>> {
    return attemptLater(async () => {
      this.#check('resume');
      const found = this.#find(id);
      if (!found.adapter.mayResume(found.identity, found.probe)) throw found.refusal();
      await freeze(found, false);
    });
  }

  /**
   * `done: false` may come after the init has been killed (with force, or when it was only created) and after
   * part of the clean-up: the command line's delete then finds a stopped container and does the rest.
   */
  destroy(
    id: string,
    { force }: { force: boolean },
    deadline = new Deadline('destroy', id, {}),
  ): Promise<Direct<void>> {
    return attemptLater(async () => {
      this.#check('destroy');
      deadline.throwIfStopped();
      const slices = new Slices();
      const found = this.#find(id);
      const { adapter, directory } = found;
      const standing = found.standing();
      if (!force && !adapter.mayDelete(standing)) throw found.refusal();
      const plan = adapter.plan(id);
      if (!plan.hasPrivatePidNamespace) throw new Unfamiliar('it shares a pid namespace');
      if (standing.pid !== 0) await killAndWait(found, deadline);
      if (plan.hasPoststopHooks) throw new Unfamiliar('it has poststop hooks');
      if (plan.obstacle !== '') throw new Unfamiliar(plan.obstacle);
      const entries = knownEntriesOf(directory, adapter.knownEntries);
      await cleanUp(directory, adapter.cgroupDirectories(id), entries, slices);
      this.forget(id);
    });
  }

  /** Closes all that is kept. */
  close(): void {
    this.#kept.close();
  }

  #check(verb: DirectVerb): void {
    const { proven } = this.#options;
    if (proven !== undefined && !proven.has(verb)) throw new Unfamiliar(`the proof does not have ${verb}`);
  }

  #need(): Adapter {
    if (this.#adapter === null) throw new Unfamiliar(this.#why);
    return this.#adapter;
  }

  #find(id: string): Found {
    const adapter = this.#need();
    if (!isPlainId(id)) throw new Unfamiliar('an unusual id');
    return new Found(id, this.#options.root, adapter, adapter.identity(id), this.#kept.get(id));
  }
}

/** What every version of both runtimes takes (crun 1.28 and runc 1.2 have become stricter), and comma. */
function isPlainId(id: string): boolean {
  return /^[\w+,-][\w+,.-]*$/.test(id);
}

function toItem({ id, pid, bundle, status, created, owner, annotations }: ListEntry): ContainerListItem {
  const item: ContainerListItem = { id, pid, bundlePath: bundle, status };
  const createdAt = new Date(created ?? '');
  if (!Number.isNaN(createdAt.getTime())) item.created = createdAt;
  if (owner !== undefined) item.owner = owner;
  if (annotations !== undefined) item.annotations = annotations;
  return item;
}

function chooseAdapter(options: DirectOptions): Adapter {
  const { kind, version, proven } = options;
  const gate = proven === undefined ? versionGate(kind, version) : nearestAdapter(kind, version);
  if ('why' in gate) throw new Unfamiliar(gate.why);
  if (process.geteuid?.() !== 0) throw new Unfamiliar('not running as root');
  if (options.cgroupManager !== 'cgroupfs') throw new Unfamiliar(`cgroup manager ${options.cgroupManager}`);
  return new gate.adapter({ root: options.root, mode: cgroupMode(), minor: gate.minor });
}

/** As attempt(); what the caller has brought about (its deadline came) is thrown on. */
function attemptLater<T>(way: () => Promise<T>): Promise<Direct<T>> {
  return way().then(answered<T>, givenUp);
}

function answered<T>(value: T): Direct<T> {
  return { done: true, value };
}

function givenUp(error: unknown): Direct<never> {
  if (error instanceof RuntimeError) throw error;
  return { done: false, why: reason(error) };
}

function killInit(found: Found, signal: number): void {
  const { adapter, identity, probe } = found;
  if (!adapter.mayKill(found.id, identity, probe, signal)) throw found.refusal();
  const thaws = signal === sigkill && adapter.thawsKilled(identity, probe);
  const init = found.pidfd();
  try {
    init.signal(signal);
  } finally {
    init.release();
  }
  if (thaws) found.thaw();
}

function killAll(found: Found, signal: number): void {
  const file = signal === sigkill ? found.adapter.killAllFile(found.id) : '';
  if (file === '') throw new Unfamiliar('it is about all processes');
  writeCgroupFile(file, '1');
}

async function freeze({ identity, probe }: Found, isFrozen: boolean): Promise<void> {
  if (identity.freezer === null) throw new Unfamiliar('it has no freezer');
  await setFrozen(identity.freezer, isFrozen, probe);
}

async function killAndWait(found: Found, deadline: Deadline): Promise<void> {
  const init = found.pidfd();
  try {
    init.signal(sigkill);
    // A frozen process dies only when it is thawed (v1).
    if (found.isFrozen()) found.thaw();
    if (await settlesWithin(init.exited, stuckMs, deadline)) return;
    throw stuckError('destroy', found.id, found.identity.pid);
  } finally {
    init.release();
  }
}
