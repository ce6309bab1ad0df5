import type { EventEmitter } from 'node:events';
import type { Invoker } from '../command-line/invoker';
import { askVersion, type RuntimeVersion } from '../command-line/runtime-version';
import { DirectOperations } from '../direct/operations';
import { type DirectVerb, versionGate } from '../direct/versions';
import type { Supervised } from '../process/supervise';
import { isScript, proofFile, readProof, subjectOf } from '../proof/proof-file';
import type { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import { FileStamp } from '../system/file-stamp';
import { tell } from '../system/tell';
import type { Direct } from '../system/unfamiliar';

/** How an operation was done, for those who measure. */
export interface OperationEvent {
  /** The operation: 'state', 'kill', ... */
  op: string;
  /** Absent where it is about no one container. */
  containerId?: string;
  /** 'direct': without starting the runtime; 'cli': by its command line. */
  way: 'direct' | 'cli';
  /** Why not directly. */
  why?: string;
  /** What the runtime warned of though it did it (a poststop hook that failed), and what is to be known; told once. */
  warnings?: readonly string[];
  /** From the beginning of the work (not of the wait for the container's turn) to its end, in milliseconds. */
  durationMs: number;
}

/** Where an operation's event is told, if anybody listens. */
type OperationEvents = Pick<EventEmitter, 'listenerCount' | 'rawListeners'>;

/** The two ways of one operation. */
export interface TwoWays<T> {
  direct: (direct: DirectOperations, deadline: Deadline) => Direct<T> | Promise<Direct<T>>;
  cli: (deadline: Deadline) => Promise<T>;
}

/** How often the runtime's file is looked at: one that was replaced is another version. */
const lookMs = 1000;

const now = new FileStamp();

/** Does operations directly where that is proven equal, by the runtime's command line otherwise, and tells which. */
export class Ways {
  readonly #settings: Settings;
  readonly #invoker: Invoker;
  readonly #events: OperationEvents;
  #direct: DirectOperations | string | null = null;
  #opening: Promise<DirectOperations | string> | null = null;
  #version: RuntimeVersion | null = null;
  readonly #stamp = new FileStamp();
  #lookedAt = 0;
  #warnings: string[] = [];
  /** By container: several operations are under way at a time. */
  readonly #runtimeWarnings = new Map<string | undefined, string[]>();

  constructor(settings: Settings, invoker: Invoker, events: OperationEvents) {
    this.#settings = settings;
    this.#invoker = invoker;
    this.#events = events;
    invoker.onSuccess = (id, warnings) => {
      if (!this.#isListenedTo()) return;
      const all = [...(this.#runtimeWarnings.get(id) ?? []), ...warnings()];
      if (all.length > 0) this.#runtimeWarnings.set(id, all);
    };
  }

  /** One operation, on one container or on all. */
  async take<T>(op: string, id: string | undefined, deadline: Deadline, ways: TwoWays<T>): Promise<T> {
    const startedAt = performance.now();
    if (startedAt - this.#lookedAt > lookMs) this.#look(startedAt);
    const direct = this.#direct ?? (await deadline.race(this.open()));
    let why = direct as string;
    if (direct instanceof DirectOperations) {
      const answer = await ways.direct(direct, deadline);
      if (answer.done) {
        this.tell(op, id, startedAt, 'direct');
        return answer.value;
      }
      why = answer.why;
    }
    const value = await ways.cli(deadline);
    this.tell(op, id, startedAt, 'cli', why);
    return value;
  }

  tell(op: string, id: string | undefined, startedAt: number, way: 'direct' | 'cli', why?: string): void {
    const runtimeWarnings = this.#runtimeWarnings.get(id) ?? [];
    this.#runtimeWarnings.delete(id);
    if (!this.#isListenedTo()) return;
    const warnings = [...this.#warnings, ...runtimeWarnings];
    const event: OperationEvent = {
      op,
      ...(id === undefined ? {} : { containerId: id }),
      way,
      ...(why === undefined ? {} : { why }),
      ...(warnings.length === 0 ? {} : { warnings }),
      durationMs: performance.now() - startedAt,
    };
    this.#warnings = [];
    tell(this.#events, 'operation', event);
  }

  /** Settles when it is known what the runtime is, and settings.kind with it; null when it is. */
  get unknown(): Promise<unknown> | null {
    return this.#direct === null ? this.open() : null;
  }

  async version(): Promise<RuntimeVersion & { proven: boolean }> {
    const direct = await this.open();
    const proven = direct instanceof DirectOperations && direct.isProven;
    return { ...(this.#version as RuntimeVersion), proven };
  }

  /** The direct way, or why there is none. The runtime's version decides, so it is asked for once. */
  open(): Promise<DirectOperations | string> {
    this.#opening ??= this.#open().then((direct) => {
      this.#direct = direct;
      return direct;
    });
    return this.#opening;
  }

  /** Keeps what makes the operations on a container that is watched here cheaper. */
  async keep(id: string, process: Supervised): Promise<void> {
    const direct = this.#direct ?? (await this.open());
    // Without a status it has not been reaped: its pid is still its own.
    if (direct instanceof DirectOperations && !process.status) direct.keep(id, process.pid);
  }

  #isListenedTo(): boolean {
    return this.#events.listenerCount('operation') > 0;
  }

  forget(id: string): void {
    this.#runtimeWarnings.delete(id);
    if (this.#direct instanceof DirectOperations) this.#direct.forget(id);
  }

  async close(): Promise<void> {
    const direct = await this.#opening;
    if (direct instanceof DirectOperations) direct.close();
  }

  async #open(): Promise<DirectOperations | string> {
    const { direct, root, cgroupManager, env } = this.#settings;
    this.#stamp.take(this.#settings.runtimePath);
    const told = await askVersion(this.#invoker, this.#settings);
    this.#version = told;
    this.#settings.kind = told.kind;
    if (told.kind === 'other') {
      this.#warnings.push(
        `the runtime calls itself '${told.name}': it is driven by the command line alone, and nothing is guessed of it`,
      );
      return told.why;
    }
    if (direct === 'off') return "direct: 'off'";
    if (told.why !== '') return told.why;
    const hasNotifySocket = 'NOTIFY_SOCKET' in env;
    const options = { kind: told.kind, version: told.version, root, cgroupManager, hasNotifySocket };
    const proven = 'why' in versionGate(told.kind, told.version) ? await this.#provenVerbs(told) : null;
    return new DirectOperations(proven === null ? options : { ...options, proven });
  }

  /** The verbs that a proof has for this binary; null without one. What is wrong with it is told once. */
  async #provenVerbs({ kind, version }: RuntimeVersion): Promise<ReadonlySet<DirectVerb> | null> {
    const { proof, runtimePath } = this.#settings;
    if (kind === 'other') return null;
    try {
      if (isScript(runtimePath)) return null;
      const subject = await subjectOf(kind, version, runtimePath);
      const file = proof ?? proofFile(subject.sha256);
      const verbs = readProof(file, subject);
      if (verbs !== null && typeof verbs !== 'string') return verbs;
      const why = verbs ?? 'it is not there';
      if (verbs !== null || proof !== null)
        this.#warnings.push(`the proof ${file} counts for nothing: ${why}`);
    } catch (error) {
      this.#warnings.push(`no proof of this runtime can be looked for: ${(error as Error).message}`);
    }
    return null;
  }

  /** Asks anew when the runtime's file is another than it was: upgraded, with containers of the old one running. */
  #look(atMs: number): void {
    this.#lookedAt = atMs;
    if (this.#direct === null || !now.take(this.#settings.runtimePath) || now.isSame(this.#stamp)) return;
    void this.close();
    this.#direct = null;
    this.#opening = null;
  }
}
