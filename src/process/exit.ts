import { AsyncResource } from 'node:async_hooks';
import { ExitField, ExitSource, native } from '../native';
import { systemError } from '../system/errno';
import { surface } from '../system/tell';
import { signalName } from './signals';

/** How a process ended. */
export interface ExitStatus {
  /** Exit code 0..255; null when it was ended by a signal or when nobody could see how it ended. */
  code: number | null;
  /** The signal that ended it, or null. */
  signal: NodeJS.Signals | null;
  /** Whether it left a core dump (wait(2), WCOREDUMP). */
  coreDumped: boolean;
  /** Whether the kernel's out-of-memory killer ended it, by the counters of its cgroup. */
  oomKilled: boolean;
  /** When the exit was seen. */
  at: Date;
  /**
   * Who told: 'waitid' (our child, waitid(2)), 'pidfd' (another's child: PIDFD_GET_INFO of Linux 6.15, or its
   * /proc/PID/stat while it was a zombie), 'keeper' (the keeper's record, written when nobody of us looked), 'unobserved' (it is gone, and nobody kept its status).
   */
  source: 'waitid' | 'pidfd' | 'keeper' | 'unobserved';
}

// CLD_* of sigaction(2).
const cldExited = 1;
const cldDumped = 3;
const sources = {
  [ExitSource.Waitid]: 'waitid',
  [ExitSource.Pidfd]: 'pidfd',
  [ExitSource.Unobserved]: 'unobserved',
} as const;

export function decodeExit(code: number, status: number, source: ExitSource): ExitStatus {
  const byExit = code === cldExited;
  const bySignal = code > cldExited;
  return {
    code: byExit ? status : null,
    signal: bySignal ? signalName(status) : null,
    coreDumped: code === cldDumped,
    oomKilled: false,
    at: new Date(),
    source: sources[source],
  };
}

/**
 * A process that is being watched. Its descriptor is closed as soon as its exit has been seen. onExit is called in the
 * async context in which this was made.
 */
export class WatchedProcess extends AsyncResource {
  readonly pid: number;
  /** Set before onExit is called. */
  status: ExitStatus | null = null;
  readonly #token: number;
  readonly #onExit: (status: ExitStatus) => void;

  /** Takes over pidfd, also when it throws. onExit is called on the event loop, once, never from the constructor. */
  constructor(pid: number, pidfd: number, onExit: (status: ExitStatus) => void) {
    super('DobbyRuncProcess');
    this.pid = pid;
    this.#onExit = onExit;
    this.#token = watch(pid, pidfd, this);
  }

  /** pidfd_send_signal(2): true when it was sent, false when the process has exited; throws for EPERM and the like. */
  kill(signalNumber: number): boolean {
    if (this.status) return false;
    const result = native.watchSignal(this.#token, signalNumber);
    if (result === 0) return true;
    if (result === -3) return false; // ESRCH
    throw systemError('pidfd_send_signal', result);
  }

  ref(): void {
    if (!this.status) native.watchRef(this.#token, true);
  }

  unref(): void {
    if (!this.status) native.watchRef(this.#token, false);
  }

  /** Stops watching: onExit will not be called. */
  cancel(): void {
    if (this.status) return;
    watched.delete(this.#token);
    native.unwatch(this.#token);
  }

  /** For the delivery below. */
  finish(code: number, status: number, source: ExitSource): void {
    this.status = decodeExit(code, status, source);
    this.runInAsyncScope(this.#onExit, undefined, this.status);
  }
}

/** Whether somebody here waits for the exit of this pid. */
export function isWatched(pid: number): boolean {
  for (const process of watched.values()) if (process.pid === pid) return true;
  return false;
}

// Delivery: one native watch per environment, opened at first use. A token is never used twice.
const batchEntries = 256;
const watched = new Map<number, WatchedProcess>();
let nextToken = 1;
let batch: Int32Array | null = null;

/** To be called before a process is started: what fails here leaves nothing that runs unwatched. */
export function openExitWatch(): void {
  if (batch) return;
  const entries = new Int32Array(batchEntries * ExitField.Width);
  const opened = native.openExitWatch(entries, deliver);
  if (opened < 0) throw systemError('epoll_create1', opened);
  batch = entries;
}

function watch(pid: number, pidfd: number, process: WatchedProcess): number {
  try {
    openExitWatch();
  } catch (error) {
    native.close(pidfd);
    throw error;
  }
  const token = nextToken++;
  const result = native.watch(token, pidfd, pid);
  if (result < 0) {
    native.close(pidfd);
    throw systemError('epoll_ctl', result);
  }
  watched.set(token, process);
  return token;
}

function deliver(count: number): void {
  // Copied first: a callback may let the next batch in (it runs microtasks only after us, but must not depend on it).
  const entries = (batch as Int32Array).slice(0, count * ExitField.Width);
  for (let at = 0; at < entries.length; at += ExitField.Width) {
    const token = entries[at + ExitField.Token] as number;
    const process = watched.get(token);
    if (!process) continue;
    watched.delete(token);
    // One listener's mistake must not cost the others their exit.
    surface(() =>
      process.finish(
        entries[at + ExitField.Code] as number,
        entries[at + ExitField.Status] as number,
        entries[at + ExitField.Source] as ExitSource,
      ),
    );
  }
}
