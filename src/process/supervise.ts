import { type ExitStatus, WatchedProcess } from './exit';
import type { ProcessStreams } from './process-streams';
import { sigkill } from './signals';

/** A process whose exit is told only when its output has been read to the end. */
export class SupervisedProcess {
  readonly pid: number;
  /** Never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Resolves when the process has ended, whatever its output waits for. */
  readonly ended: Promise<void>;
  /** The exit has been seen; its output may still be on the way. */
  status: ExitStatus | null = null;
  readonly #watched: WatchedProcess;
  /** This process has sent it SIGKILL. */
  #isKilled = false;

  /**
   * Takes over pidfd, also when it throws. `refine` completes the status with what only the caller can find out
   * (the counters of a cgroup, a parent that knows the exit code) before it is told.
   */
  constructor(
    pid: number,
    pidfd: number,
    streams: readonly ProcessStreams[],
    refine: (status: ExitStatus) => ExitStatus | Promise<ExitStatus>,
  ) {
    this.pid = pid;
    let tell: (status: Promise<ExitStatus>) => void = () => {};
    let end: () => void = () => {};
    this.exited = new Promise((resolve) => {
      tell = resolve;
    });
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    void this.exited.then(() => releaseLater(streams));
    this.#watched = new WatchedProcess(pid, pidfd, (status) => {
      this.status = status;
      end();
      tell(this.#settle(status, streams, refine));
    });
  }

  kill(signalNumber: number): boolean {
    const isSent = this.#watched.kill(signalNumber);
    if (isSent && signalNumber === sigkill) this.noteKill();
    return isSent;
  }

  /** SIGKILL has been sent to it from here by another way: what ends it then is not the OOM killer. */
  noteKill(): void {
    this.#isKilled = true;
  }

  ref(): void {
    this.#watched.ref();
  }

  unref(): void {
    this.#watched.unref();
  }

  async #settle(
    status: ExitStatus,
    streams: readonly ProcessStreams[],
    refine: (status: ExitStatus) => ExitStatus | Promise<ExitStatus>,
  ): Promise<ExitStatus> {
    const completed = await Promise.resolve(refine(status)).catch(() => status);
    const refined = this.#isKilled && completed.oomKilled ? { ...completed, oomKilled: false } : completed;
    await Promise.allSettled(streams.map((each) => each.drain()));
    this.status = refined;
    return refined;
  }
}

/** After those who wait for the exit have run. */
function releaseLater(streams: readonly ProcessStreams[]): void {
  setImmediate(() => {
    for (const each of streams) each.releaseKept();
  });
}

/** What a handle needs of a process. */
export type Supervised = Pick<
  SupervisedProcess,
  'pid' | 'exited' | 'ended' | 'status' | 'kill' | 'noteKill' | 'ref' | 'unref'
>;

const gone = {
  ended: Promise.resolve(),
  kill: () => false,
  noteKill: () => {},
  ref: () => {},
  unref: () => {},
};

/** A process that was gone before it could be watched; what is known of its end, nobody's guess. */
export function goneProcess(pid = 0, known?: Promise<ExitStatus>): Supervised {
  const exited = known ?? Promise.resolve(unobservedExit());
  return { pid, status: unobservedExit(), exited, ...gone };
}

/** A process whose end is known, and whose output is still to be read. */
export function endedProcess(
  pid: number,
  status: ExitStatus,
  streams: readonly ProcessStreams[],
): Supervised {
  const exited = Promise.allSettled(streams.map((each) => each.drain())).then(() => status);
  void exited.then(() => releaseLater(streams));
  return { pid, status, exited, ...gone };
}

/** The end of a process that nobody saw. */
export function unobservedExit(): ExitStatus {
  return {
    code: null,
    signal: null,
    coreDumped: false,
    oomKilled: false,
    at: new Date(),
    source: 'unobserved',
  };
}
