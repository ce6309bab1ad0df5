import os from 'node:os';
import { ConsoleSocket } from '../console/console-socket';
import { Tty } from '../console/pty';
import { RuntimeError } from '../errors';
import { completeExit } from '../keeper/keeper';
import { readRecord } from '../keeper/record';
import { native } from '../native';
import { type ExitStatus, isWatched } from '../process/exit';
import { ProcessStreams } from '../process/process-streams';
import type { ProcessAttributes } from '../process/spawn';
import { goneProcess, type Supervised, SupervisedProcess, unobservedExit } from '../process/supervise';
import { endProcesses, endTree } from '../process/tree';
import type { Deadline } from '../runtime/deadline';
import { CallDirectory } from './call-directory';
import type { Invoker, RunningCall } from './invoker';
import type { LaunchIo } from './launch-io';
import { openBornSince, pidIn } from './pid-file';
import { endStrays } from './strays';

// USER_HZ: 100 on every architecture that Linux runs Node on.
const ticksPerSecond = 100;
/** The paths that the runtime is given for one launch. */
export interface LaunchPaths {
  pidFile: string;
  consoleSocket?: string;
}

export interface Launch {
  op: 'create' | 'exec';
  id: string;
  deadline: Deadline;
  io: LaunchIo;
  args(paths: LaunchPaths): string[];
  refine(status: ExitStatus): ExitStatus | Promise<ExitStatus>;
  /** What of the caller's the runtime may repeat, beside the arguments. */
  callersWords?: () => readonly string[];
  /** Start it under a keeper, which writes this file. */
  record?: string;
  /** For the files of this call; stays the caller's. Without it one is made and removed. */
  directory?: CallDirectory;
  /** The runtime stays as the process's parent and knows its exit code (nobody else could tell it). */
  attached?: boolean;
  /** What the runtime, and what it makes, is to have. */
  attributes?: ProcessAttributes;
  /** The init of the container that the process joins, for telling its other processes from strangers; 0: unknown. */
  initPid?: () => number;
}

export interface Launched {
  runtimePid: number;
  process: Supervised;
  tty: Tty | null;
}

/**
 * Has the runtime make a process and watches it: the part that create and exec share. When it fails, the process is
 * gone and so is everything of ours; what the runtime keeps of a container is the caller's to remove.
 */
export async function launch(invoker: Invoker, request: Launch): Promise<Launched> {
  const { deadline, io, op, id } = request;
  const directory = request.directory ?? new CallDirectory();
  const pidFile = directory.file('pid');
  // A process that ends before its pid has been read must wait for us as a zombie.
  const ticket = native.holdOrphans();
  const bootTicks = Math.floor(os.uptime() * ticksPerSecond);
  let console: ConsoleSocket | null = null;
  let running: RunningCall | null = null;
  let pidfd = -1;
  let master = -1;
  let tty: Tty | null = null;
  try {
    if (io.tty) console = new ConsoleSocket(directory.file('tty'), io.tty === true ? null : io.tty);
    running = await invoker.begin({
      op,
      id,
      deadline,
      args: request.args({ pidFile, ...(console ? { consoleSocket: console.path } : {}) }),
      fds: io.child,
      captureStderr: console !== null,
      ...(request.callersWords ? { callersWords: request.callersWords } : {}),
      ...(request.attributes ? { attributes: request.attributes } : {}),
      ...(request.record ? { keep: { record: request.record, pidFile, streams: io.streams } } : {}),
    });
    const isAttached = await untilLaunched(running, pidFile, request.attached === true);
    const pid = readPid(pidFile, running, request);
    pidfd = openBornSince(pid, bootTicks);
    // The runtime that stays beside its process, or its keeper, is its parent, and may have reaped it already.
    const { record } = request;
    const isKept = record !== undefined && readRecord(record)?.pid === pid;
    if (pidfd < 0 && !isAttached && !isKept)
      throw launchFailure(
        request,
        running,
        `the runtime's pid file names ${pid}, which is no process it made`,
      );
    if (console) {
      console.poll();
      console.close();
      const { argv } = running;
      master = await console.terminal.catch((cause: unknown) => {
        throw launchFailure(request, { argv }, 'the runtime sent no terminal', cause);
      });
    }
    const { finished } = running;
    const refine = async (seen: ExitStatus): Promise<ExitStatus> => {
      if (isAttached) return request.refine(await exitOfAttached(seen, finished));
      return request.refine(record === undefined ? seen : await completeExit(seen, record));
    };
    const streams: ProcessStreams[] = [io.streams];
    if (master >= 0) {
      const masterFd = master;
      master = -1;
      const terminal = new Tty(masterFd);
      tty = terminal;
      const drains = new ProcessStreams();
      drains.own(
        () => terminal.drain(),
        () => terminal.destroy(),
      );
      streams.push(drains);
    }
    const watchedFd = pidfd;
    pidfd = -1;
    const process =
      watchedFd < 0
        ? goneProcess(pid, settleGone(streams, refine))
        : new SupervisedProcess(pid, watchedFd, streams, refine);
    return { runtimePid: running.pid, process, tty };
  } catch (error) {
    // Hung up before the process is killed: nothing is to be read from it any more.
    io.close();
    if (console)
      void console.terminal.then(
        (fd) => native.close(fd),
        () => {},
      );
    if (master >= 0) native.close(master);
    tty?.destroy();
    if (pidfd >= 0) native.close(pidfd);
    // What went wrong first is what is told.
    if (running) await endAll(running, pidFile, request, bootTicks).catch(() => {});
    throw error;
  } finally {
    native.releaseOrphans(ticket);
    console?.close();
    if (!request.directory) directory.remove();
  }
}

/** Ends what a failed launch has made, and waits for it. */
async function endAll(
  running: RunningCall,
  pidFile: string,
  request: Launch,
  bootTicks: number,
): Promise<void> {
  if (request.attached) {
    // Beside its process it would go on; its own failure is told by now, or is of no more interest.
    const finished = running.finished.catch(() => {});
    if (isWatched(running.pid)) await endTree(running.pid, finished);
  }
  const pid = pidIn(pidFile);
  const pidfd = pid === null ? -1 : openBornSince(pid, bootTicks);
  if (pidfd >= 0) native.close(pidfd);
  if (pid !== null && pidfd >= 0) await endProcesses([pid]);
  await endStrays(running.pid, request.initPid?.() ?? 0, bootTicks - 1);
}

/** Waits until the process is there; true when the runtime goes on living beside it. */
async function untilLaunched(running: RunningCall, pidFile: string, attached: boolean): Promise<boolean> {
  if (!attached) {
    await running.finished;
    return false;
  }
  let isOver = false;
  const over = running.finished.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  for (let ms = 1; !isOver && pidIn(pidFile) === null; ms = Math.min(ms * 2, 16)) {
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, ms))]);
  }
  if (pidIn(pidFile) === null) await running.finished;
  return true;
}

/** The runtime exits with what its process exited with, or 128 + the signal. */
async function exitOfAttached(seen: ExitStatus, finished: Promise<unknown>): Promise<ExitStatus> {
  const told = await finished.then(
    () => 0,
    (error: unknown) => (error instanceof RuntimeError ? error.exitCode : null),
  );
  if (seen.source !== 'unobserved' || told === null) return seen;
  return { ...seen, code: told, source: 'waitid' };
}

/** Reads the pid file once and checks that it holds a pid. */
function readPid(file: string, running: RunningCall, request: Launch): number {
  const pid = pidIn(file);
  if (pid === null) throw launchFailure(request, running, 'the runtime wrote no usable pid file');
  return pid;
}

async function settleGone(
  streams: readonly ProcessStreams[],
  refine: (status: ExitStatus) => ExitStatus | Promise<ExitStatus>,
): Promise<ExitStatus> {
  const status = await refine(unobservedExit());
  await Promise.allSettled(streams.map((each) => each.drain()));
  return status;
}

function launchFailure(
  { op, id, deadline }: Launch,
  running: { argv: string[] },
  why: string,
  cause?: unknown,
): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_FAILED', `${op} ${id}: ${why}`, {
    op,
    containerId: id,
    argv: running.argv,
    exitCode: 0,
    durationMs: deadline.elapsedMs(),
    cause,
  });
}
