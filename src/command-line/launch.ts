import fs from 'node:fs';
import os from 'node:os';
import { ConsoleSocket } from '../console/console-socket';
import { checkTtySize, Tty, type TtySize } from '../console/pty';
import { argumentTypeError, isScarcity, RuntimeError } from '../errors';
import { completeExit } from '../keeper/keeper';
import { readRecord } from '../keeper/record';
import { native } from '../native';
import { copyDescriptor, DescriptorList, type Fd } from '../process/descriptors';
import { type ExitStatus, isWatched, systemError } from '../process/exit';
import { type IoOptions, openStdio, ProcessStreams } from '../process/stdio';
import { goneProcess, type Supervised, SupervisedProcess, unobservedExit } from '../process/supervise';
import { endProcesses, endTree, startTicks } from '../process/tree';
import type { Deadline } from '../runtime/deadline';
import { kEsrch } from '../system/errno';
import { CallDirectory } from './call-directory';
import type { Invoker, RunningCall } from './invoker';
import { endStrays } from './strays';

// The original's limit; the runtimes have none of their own.
const mostFiles = 128;
// USER_HZ: 100 on every architecture that Linux runs Node on.
const ticksPerSecond = 100;
// Ten digits and a newline: what is longer is no pid file.
const pidBytes = 16;

/** The descriptors of a process that is to be made: opened, or copied from the caller's, at the moment of the call. */
export class LaunchIo {
  readonly child = new DescriptorList();
  readonly streams: ProcessStreams;
  readonly tty: TtySize | true | null;
  readonly fileCount: number;

  constructor(o: IoOptions & { files?: readonly Fd[] }) {
    this.tty = ttyOption(o);
    const files = o.files ?? [];
    if (!Array.isArray(files)) throw argumentTypeError('files: must be an array of descriptors');
    if (files.length > mostFiles)
      throw argumentTypeError(`files: ${files.length} are more than ${mostFiles}`);
    this.fileCount = files.length;
    if (this.tty) {
      this.streams = new ProcessStreams();
      for (let fd = 0; fd < 3; fd++) this.child.add(-1);
    } else this.streams = openStdio(o, this.child);
    try {
      for (const [index, fd] of files.entries()) this.child.add(copyDescriptor(fd, `files[${index}]`));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.child.close();
    this.streams.close();
  }
}

function ttyOption({ tty, stdin, stdout, stderr }: IoOptions): TtySize | true | null {
  if (tty === undefined || tty === false) return null;
  if (stdin !== undefined || stdout !== undefined || stderr !== undefined)
    throw argumentTypeError(
      'tty: has stdin, stdout and stderr in one; leave those out',
      'ERR_INVALID_ARG_VALUE',
    );
  if (tty === true) return true;
  if (typeof tty !== 'object' || tty === null) throw argumentTypeError('tty: must be true or { cols, rows }');
  checkTtySize(tty);
  return tty;
}

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
  /** Start it under a keeper, which writes this file. */
  record?: string;
  /** For the files of this call; stays the caller's. Without it one is made and removed. */
  directory?: CallDirectory;
  /** The runtime stays as the process's parent and knows its exit code (nobody else could tell it). */
  attached?: boolean;
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

const pidText = Buffer.allocUnsafeSlow(pidBytes + 1);

function pidIn(file: string): number | null {
  const length = native.readFile(file, fs.constants.O_NOFOLLOW, pidText, 0, pidText.length);
  if (length < 0) {
    const error = systemError('open', length);
    if (isScarcity(error)) throw error;
    return null;
  }
  return parsePid(pidText.toString('latin1', 0, length));
}

/** The pid that a pid file's text is, if it can be one. */
export function parsePid(untrimmed: string): number | null {
  const text = untrimmed.trim();
  const pid = Number(text);
  return /^[0-9]{1,10}$/.test(text) && pid > 1 && pid <= 0x7fffffff ? pid : null;
}

/** A pidfd of a process that was born during this call, or -1: the pid is somebody else's, or nobody's any more. */
function openBornSince(pid: number, bootTicks: number): number {
  if (pid === process.pid || isWatched(pid)) return -1;
  const pidfd = native.pidfdOpen(pid);
  if (pidfd < 0 && pidfd !== kEsrch) throw systemError('pidfd_open', pidfd);
  if (pidfd < 0) return -1;
  let started: number | null;
  try {
    started = startTicks(pid);
  } catch (error) {
    native.close(pidfd);
    throw error;
  }
  // One tick of slack: both clocks are read rounded down.
  if (started !== null && started >= bootTicks - 1) return pidfd;
  native.close(pidfd);
  return -1;
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
