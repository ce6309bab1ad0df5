import fs from 'node:fs';
import { RuntimeError } from '../errors';
import { type Keep, keeperCommand } from '../keeper/keeper';
import { native, SpawnStep } from '../native';
import { DescriptorList } from '../process/descriptors';
import { type ExitStatus, openExitWatch, systemError, WatchedProcess } from '../process/exit';
import { RuntimeImage } from '../process/runtime-image';
import { SpawnError, type Spawned, type SpawnRequest, spawnProcess } from '../process/spawn';
import { endTree } from '../process/tree';
import type { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import { globalArgs } from './arguments';
import { failureCode, logMessage } from './failures';

const stderrBytes = 64 * 1024;
// How much of a log is looked at: its end, where the reason for a failure stands.
const logBytes = 256 * 1024;
// Sparse: costs what is written. A list of ten thousand containers is about 5 MB.
const stdoutBytes = 64 * 1024 * 1024;
// After SIGKILL a process that is not in uninterruptible sleep is gone in milliseconds.
const killGraceMs = 5000;
// How long a start that was given up may go on. Killed in the middle of it, crun leaves an init that spins, and runc a
// container that runs and is 'created' for ever.
const lateStartMs = 1000;

/** One call of the runtime. */
export interface RuntimeCall {
  op: string;
  id?: string;
  /** The verb and its arguments. */
  args: string[];
  deadline: Deadline;
  /** Descriptors 0 and up of the runtime; it and the container get them. Handed over. Default: none but captures. */
  fds?: DescriptorList;
  /** Whether descriptor 2 is captured though `fds` are given (a terminal's runtime does not pass it on). */
  captureStderr?: boolean;
  /** Start it under a keeper. */
  keep?: Keep;
  /** The runtime has been started. */
  onSpawn?: (pid: number) => void;
}

/** What a successful call printed. */
export interface RuntimeResult {
  pid: number;
  argv: string[];
  stdout: string;
}

/** A runtime process that has been started; `finished` rejects with what went wrong. */
export interface RunningCall {
  pid: number;
  argv: string[];
  finished: Promise<RuntimeResult>;
}

/**
 * Starts the runtime. What it prints is captured in bounded memfds, never through pipes: a pipe of ours that an init
 * inherits is an end-of-file that never comes.
 */
export class Invoker {
  readonly #settings: Settings;
  readonly #image: RuntimeImage;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#image = new RuntimeImage(settings.runtimePath, settings.runtimeImage);
  }

  /** Runs a command of the runtime to its end. Rejects with RuntimeError unless it exits with 0. */
  async invoke(call: RuntimeCall): Promise<RuntimeResult> {
    const running = await this.begin(call);
    return running.finished;
  }

  /** Starts a command of the runtime. At the deadline it is killed with everything below it. */
  async begin(call: RuntimeCall): Promise<RunningCall> {
    const { deadline } = call;
    const captured = new Captures();
    const fds = call.fds ?? new DescriptorList();
    try {
      deadline.throwIfStopped();
      openExitWatch();
      if (!call.fds) {
        fds.add(-1);
        fds.add(captured.openFor('stdout', stdoutBytes));
        fds.add(captured.openFor('stderr', stderrBytes));
      } else if (call.captureStderr) fds.set(2, captured.openFor('stderr', stderrBytes));
      const logPath = this.#logPath(call.id, captured);
      const argv = [this.#settings.kind, ...globalArgs(this.#settings, logPath), ...call.args];
      const { pid, pidfd } = await this.#spawn(argv, fds, call);
      call.onSpawn?.(pid);
      const exited = watchExit(pid, pidfd);
      return { pid, argv, finished: this.#finish(call, pid, argv, exited, captured) };
    } catch (error) {
      fds.close();
      captured.close();
      throw error;
    }
  }

  release(): void {
    this.#image.release();
  }

  async #finish(
    call: RuntimeCall,
    pid: number,
    argv: string[],
    exited: Promise<ExitStatus>,
    captured: Captures,
  ): Promise<RuntimeResult> {
    const { deadline } = call;
    try {
      const status = await untilExit(pid, exited, call);
      if (deadline.stopped) throw deadline.error({ argv, ...captured.texts(), cleanedUp: false });
      if (status.code === 0) return { pid, argv, stdout: captured.stdout() };
      throw runtimeFailure(call, argv, status, captured.texts());
    } finally {
      captured.close();
    }
  }

  async #spawn(argv: string[], fds: DescriptorList, call: RuntimeCall): Promise<Spawned> {
    const imageFd = this.#imageDescriptor(call);
    if (call.keep) return await this.#spawnKept(call.keep, imageFd, argv, fds, call);
    const request: Omit<SpawnRequest, 'fds'> = {
      file: this.#settings.runtimePath,
      imageFd,
      argv,
      env: this.#settings.env,
    };
    // Until the image has worked once, keep a way back: spawn closes what it is given.
    const isTrial = imageFd >= 0 && !this.#image.proven;
    const spare = isTrial ? fds.copies() : new DescriptorList();
    const handed = fds.take();
    try {
      const spawned = await spawnProcess({ ...request, fds: handed });
      if (isTrial) this.#image.proven = true;
      return spawned;
    } catch (error) {
      if (isTrial && isRefusal(error)) {
        this.#image.refuse();
        return await spawnProcess({ ...request, imageFd: -1, fds: spare.take() }).catch((second: unknown) => {
          throw spawnFailure(call, argv, second);
        });
      }
      throw spawnFailure(call, argv, error);
    } finally {
      spare.close();
    }
  }

  /** The keeper ends the way the runtime does, so for the caller it is the runtime. */
  async #spawnKept(
    keep: Keep,
    imageFd: number,
    argv: string[],
    fds: DescriptorList,
    call: RuntimeCall,
  ): Promise<Spawned> {
    try {
      return await spawnProcess({
        file: this.#settings.keeper as string,
        argv: keeperCommand(keep, this.#settings.runtimePath, imageFd, argv, fds),
        env: this.#settings.env,
        fds: fds.take(),
      });
    } catch (error) {
      throw spawnFailure(call, argv, error);
    }
  }

  #imageDescriptor(call: RuntimeCall): number {
    try {
      return this.#image.descriptor();
    } catch (error) {
      throw spawnFailure(call, [this.#settings.kind, ...call.args], error);
    }
  }

  /** Where the runtime logs: a file when asked for, else a memfd, reached through /proc so that nobody inherits it. */
  #logPath(id: string | undefined, captured: Captures): string {
    const { logDir } = this.#settings;
    if (logDir !== null) {
      fs.mkdirSync(logDir, { recursive: true, mode: 0o700 });
      return captured.logFile(`${logDir}/${id ?? 'runtime'}.log`);
    }
    return `/proc/${process.pid}/fd/${captured.openOwn('log', 0)}`;
  }
}

/** The memfds that catch what one call prints. */
class Captures {
  readonly #fds = new Map<string, number>();
  #logFile: { path: string; from: number } | null = null;

  /** A descriptor to hand to the child; ours stays. */
  openFor(name: string, limit: number): number {
    const fd = native.duplicate(this.openOwn(name, limit));
    if (fd < 0) throw systemError('dup', fd);
    return fd;
  }

  openOwn(name: string, limit: number): number {
    const fd = native.memfd(`dobby-runc-${name}`, limit);
    if (fd < 0) throw systemError('memfd_create', fd);
    this.#fds.set(name, fd);
    return fd;
  }

  /** The log is a file that others write too: remember where this call's part begins. */
  logFile(path: string): string {
    const from = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#logFile = { path, from };
    return path;
  }

  stdout(): string {
    return this.#read('stdout');
  }

  texts(): { stderr: string; log: string } {
    const log = this.#logFile ? readFrom(this.#logFile) : this.#read('log');
    return { stderr: this.#read('stderr'), log: logMessage(log) };
  }

  close(): void {
    for (const fd of this.#fds.values()) native.close(fd);
    this.#fds.clear();
  }

  #read(name: string): string {
    const fd = this.#fds.get(name);
    if (fd === undefined) return '';
    // A bounded file has its full (sparse) size from the start: what was written ends at the position, which we
    // share with the writer. The log is opened anew, for appending, so it can't be bounded and ends where it ends.
    if (name !== 'log') return readPart(fd, 0, native.position(fd));
    const { size } = fs.fstatSync(fd);
    return readPart(fd, Math.max(0, size - logBytes), size);
  }
}

function readPart(fd: number, from: number, to: number): string {
  const parts: Buffer[] = [];
  for (let at = from; at < to; ) {
    const part = Buffer.allocUnsafe(Math.min(16 * 1024, to - at));
    const count = native.readAt(fd, part, 0, part.length, at);
    if (count <= 0) break;
    parts.push(part.subarray(0, count));
    at += count;
  }
  return Buffer.concat(parts).toString();
}

function readFrom({ path, from }: { path: string; from: number }): string {
  let fd = -1;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const { size } = fs.fstatSync(fd);
    return readPart(fd, Math.max(from, size - logBytes), size);
  } catch {
    return '';
  } finally {
    if (fd >= 0) fs.closeSync(fd);
  }
}

function watchExit(pid: number, pidfd: number): Promise<ExitStatus> {
  let settle: (status: ExitStatus) => void = () => {};
  const exited = new Promise<ExitStatus>((resolve) => {
    settle = resolve;
  });
  try {
    new WatchedProcess(pid, pidfd, settle);
  } catch (error) {
    // What can't be watched must not run.
    void endTree(pid).catch(() => {});
    throw error;
  }
  return exited;
}

/** The exit of a runtime process; at the deadline it is killed first. ERR_STUCK when even that does not end it. */
async function untilExit(
  pid: number,
  exited: Promise<ExitStatus>,
  { deadline, op, id }: RuntimeCall,
): Promise<ExitStatus> {
  let timer: NodeJS.Timeout | undefined;
  let ended: Promise<boolean> | undefined;
  const stuck = new Promise<null>((resolve) => {
    const end = (): void => {
      ended = endTree(pid, exited);
      timer = setTimeout(resolve, killGraceMs, null);
    };
    const cancel = deadline.onStop(() => {
      if (op === 'start') timer = setTimeout(end, lateStartMs);
      else end();
    });
    void exited.then(cancel);
  });
  const status = await Promise.race([exited, stuck]);
  clearTimeout(timer);
  if (status && (await ended) !== false) return status;
  throw new RuntimeError(
    'ERR_STUCK',
    `${op} ${id ?? ''}: process ${pid}, or one below it, does not end on SIGKILL`,
    {
      op,
      ...(id === undefined ? {} : { containerId: id }),
      durationMs: deadline.elapsedMs(),
      cleanedUp: false,
    },
  );
}

function runtimeFailure(
  { op, id, deadline }: RuntimeCall,
  argv: string[],
  status: ExitStatus,
  texts: { stderr: string; log: string },
): RuntimeError {
  const words = texts.log || texts.stderr.trim();
  const how = status.signal ? `was killed by ${status.signal}` : `exited with ${status.code}`;
  return new RuntimeError(
    failureCode(op, words),
    `${argv[0]} ${op}${id === undefined ? '' : ` ${id}`}: ${how}${words ? `: ${words}` : ''}`,
    {
      op,
      ...(id === undefined ? {} : { containerId: id }),
      argv,
      exitCode: status.code,
      signal: status.signal,
      durationMs: deadline.elapsedMs(),
      ...texts,
    },
  );
}

/** Whether it may be the image that can't be executed; running out of something is not that. */
function isRefusal(error: unknown): boolean {
  const scarce = ['E2BIG', 'ENOMEM', 'EAGAIN', 'EMFILE', 'ENFILE'];
  return error instanceof SpawnError && error.step === SpawnStep.Exec && !scarce.includes(error.code);
}

function spawnFailure({ op, id, deadline }: RuntimeCall, argv: string[], cause: unknown): RuntimeError {
  const code = (cause as { code?: string }).code;
  const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
  return new RuntimeError(
    isMissing ? 'ERR_RUNTIME_NOT_FOUND' : 'ERR_SPAWN',
    `${op}${id === undefined ? '' : ` ${id}`}: can't start the runtime: ${(cause as Error).message}`,
    { op, ...(id === undefined ? {} : { containerId: id }), argv, durationMs: deadline.elapsedMs(), cause },
  );
}
