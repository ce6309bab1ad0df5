import type { Readable, Writable } from 'node:stream';
import type { Tty } from '../console/pty';
import type { ExitStatus } from '../process/exit';
import type { ProcessStreams } from '../process/process-streams';
import { type Signal, signalNumber } from '../process/signals';
import type { Supervised } from '../process/supervise';
import {
  type CallOptions,
  type ExecOptions,
  kMark,
  type Mark,
  type StopCallOptions,
} from '../runtime/options';

/** A process of a container: its init, or one that was exec'd into it. */
export interface ContainerProcess extends AsyncDisposable {
  /** The container's id. */
  readonly containerId: string;
  /** The process's pid in this process's pid namespace. */
  readonly pid: number;
  /** The pid that the runtime process (crun, runc) had. */
  readonly runtimePid: number;
  /** Where stdin was 'pipe'; else null. Ending it is the process's end of file. */
  readonly stdin: Writable | null;
  /** Where stdout was 'pipe', or an OutputBuffer for 'buffer'; else null. An unread pipe holds the process up. */
  readonly stdout: Readable | null;
  /** As stdout. */
  readonly stderr: Readable | null;
  /** The terminal, where `tty` was asked for; else null. */
  readonly tty: Tty | null;
  /** Resolves once, whoever ended the process; never rejects. All of its output is readable before. */
  readonly exited: Promise<ExitStatus>;
  /** Sends a signal (SIGTERM) by pidfd; false when the process is already gone. */
  kill(signal?: Signal): Promise<boolean>;
  /** Whether waiting for this process keeps the event loop alive: it does, until unref(). */
  ref(): this;
  /** See ref(). */
  unref(): this;
}

export interface Container extends ContainerProcess {
  /** DobbyRunC.start: lets its program begin. ERR_BAD_STATE when it has been started. */
  start(o?: CallOptions): Promise<void>;
  /** DobbyRunC.stop: SIGTERM, and SIGKILL after 500 ms by default; `escalated` tells whether that was needed. */
  stop(o?: StopCallOptions): Promise<ExitStatus & { escalated: boolean }>;
  /** DobbyRunC.pause: freezes all of its processes. */
  pause(o?: CallOptions): Promise<void>;
  /** DobbyRunC.resume: thaws them. */
  resume(o?: CallOptions): Promise<void>;
  /** DobbyRunC.exec: a further process, with its own streams. */
  exec(command: readonly string[], o?: ExecOptions): Promise<ContainerProcess>;
  /** DobbyRunC.destroy: removes it; with `force` also while it runs. */
  destroy(o?: CallOptions & { force?: boolean }): Promise<void>;
}

/** The operations that a Container's methods stand for. */
export interface ContainerVerbs {
  start(id: string, o?: CallOptions): Promise<void>;
  stop(id: string, o?: StopCallOptions): Promise<ExitStatus & { escalated: boolean }>;
  pause(id: string, o?: CallOptions): Promise<void>;
  resume(id: string, o?: CallOptions): Promise<void>;
  exec(id: string, command: readonly string[], o?: ExecOptions): Promise<ContainerProcess>;
  destroy(id: string, o?: CallOptions & { force?: boolean }): Promise<void>;
}

/** What a process handle is made of. */
export interface ProcessParts {
  containerId: string;
  runtimePid: number;
  process: Supervised;
  streams: ProcessStreams;
  tty: Tty | null;
}

export class ProcessHandle implements ContainerProcess {
  readonly containerId: string;
  readonly pid: number;
  readonly runtimePid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly tty: Tty | null;
  readonly exited: Promise<ExitStatus>;
  readonly #process: Supervised;

  constructor(parts: ProcessParts) {
    this.containerId = parts.containerId;
    this.pid = parts.process.pid;
    this.runtimePid = parts.runtimePid;
    this.stdin = parts.streams.stdin;
    this.stdout = parts.streams.stdout;
    this.stderr = parts.streams.stderr;
    this.tty = parts.tty;
    this.exited = parts.process.exited;
    this.#process = parts.process;
  }

  async kill(signal: Signal = 'SIGTERM'): Promise<boolean> {
    return this.#process.kill(signalNumber(signal));
  }

  ref(): this {
    this.#process.ref();
    return this;
  }

  unref(): this {
    this.#process.unref();
    return this;
  }

  /** Kills the process and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (await this.kill('SIGKILL')) await this.exited;
  }
}

export class ContainerHandle extends ProcessHandle implements Container {
  readonly #verbs: ContainerVerbs;
  readonly #mark: Mark;

  constructor(parts: ProcessParts, verbs: ContainerVerbs, mark: Mark) {
    super(parts);
    this.#verbs = verbs;
    this.#mark = mark;
  }

  start(o?: CallOptions): Promise<void> {
    return this.#verbs.start(this.containerId, this.#marked(o));
  }

  stop(o?: StopCallOptions): Promise<ExitStatus & { escalated: boolean }> {
    return this.#verbs.stop(this.containerId, this.#marked(o));
  }

  pause(o?: CallOptions): Promise<void> {
    return this.#verbs.pause(this.containerId, this.#marked(o));
  }

  resume(o?: CallOptions): Promise<void> {
    return this.#verbs.resume(this.containerId, this.#marked(o));
  }

  exec(command: readonly string[], o?: ExecOptions): Promise<ContainerProcess> {
    return this.#verbs.exec(this.containerId, command, this.#marked(o));
  }

  destroy(o?: CallOptions & { force?: boolean }): Promise<void> {
    return this.#verbs.destroy(this.containerId, this.#marked(o));
  }

  /** Destroys the container by force; one that is gone already is fine. */
  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.destroy({ force: true });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_CONTAINER_NOT_FOUND') throw error;
    }
  }

  #marked<O extends object>(o: O | undefined): O {
    // What is no object is for the verb to refuse.
    if (o !== undefined && (typeof o !== 'object' || o === null)) return o;
    return { ...(o as O), [kMark]: this.#mark };
  }
}
