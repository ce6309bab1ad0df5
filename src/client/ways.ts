import type { EventEmitter } from 'node:events';
import type { Invoker } from '../command-line/invoker';
import { DirectOperations } from '../direct/operations';
import type { Supervised } from '../process/supervise';
import { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import { tell } from '../system/tell';
import type { Direct } from '../system/unfamiliar';

/** How an operation was done, for those who measure. */
export interface OperationEvent {
  op: string;
  containerId?: string;
  /** 'direct': without starting the runtime; 'cli': by its command line. */
  way: 'direct' | 'cli';
  /** Why not directly. */
  why?: string;
  durationMs: number;
}

/** Where an operation's event is told, if anybody listens. */
type OperationEvents = Pick<EventEmitter, 'listenerCount' | 'rawListeners'>;

/** The two ways of one operation. */
export interface TwoWays<T> {
  direct: (direct: DirectOperations, deadline: Deadline) => Direct<T> | Promise<Direct<T>>;
  cli: (deadline: Deadline) => Promise<T>;
}

const versionMs = 5000;

/** Does operations directly where that is proven equal, by the runtime's command line otherwise, and tells which. */
export class Ways {
  readonly #settings: Settings;
  readonly #invoker: Invoker;
  readonly #events: OperationEvents;
  #direct: DirectOperations | string | null = null;
  #opening: Promise<DirectOperations | string> | null = null;

  constructor(settings: Settings, invoker: Invoker, events: OperationEvents) {
    this.#settings = settings;
    this.#invoker = invoker;
    this.#events = events;
  }

  /** One operation, on one container or on all. */
  async take<T>(op: string, id: string | undefined, deadline: Deadline, ways: TwoWays<T>): Promise<T> {
    const startedAt = performance.now();
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
    if (this.#events.listenerCount('operation') === 0) return;
    const event: OperationEvent = {
      op,
      ...(id === undefined ? {} : { containerId: id }),
      way,
      ...(why === undefined ? {} : { why }),
      durationMs: performance.now() - startedAt,
    };
    tell(this.#events, 'operation', event);
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

  forget(id: string): void {
    if (this.#direct instanceof DirectOperations) this.#direct.forget(id);
  }

  async close(): Promise<void> {
    const direct = await this.#opening;
    if (direct instanceof DirectOperations) direct.close();
  }

  async #open(): Promise<DirectOperations | string> {
    const { direct, kind, root, cgroupManager, env } = this.#settings;
    const hasNotifySocket = 'NOTIFY_SOCKET' in env;
    if (direct === 'off') return "direct: 'off'";
    const deadline = new Deadline('version', undefined, { timeoutMs: versionMs });
    try {
      const { stdout } = await this.#invoker.invoke({ op: 'version', args: ['--version'], deadline });
      const [, name, version = ''] = /^(\w+) version (\S+)/.exec(stdout) ?? [];
      if (name !== kind) return `the runtime calls itself ${JSON.stringify(name ?? stdout.slice(0, 40))}`;
      return new DirectOperations({ kind, version, root, cgroupManager, hasNotifySocket });
    } catch (error) {
      return `the runtime does not tell its version: ${(error as Error).message}`;
    } finally {
      deadline.dispose();
    }
  }
}
