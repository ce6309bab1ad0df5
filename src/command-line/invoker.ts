import fs from 'node:fs';
import path from 'node:path';
import { RuntimeError } from '../errors';
import { type Keep, keeperCommand } from '../keeper/keeper';
import { SpawnStep } from '../native';
import { DescriptorList } from '../process/descriptors';
import { type ExitStatus, openExitWatch } from '../process/exit';
import { RuntimeImage } from '../process/runtime-image';
import {
  type ProcessAttributes,
  SpawnError,
  type Spawned,
  type SpawnRequest,
  spawnProcess,
} from '../process/spawn';
import type { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import { openFilesAtStart } from '../system/start-limit';
import { globalArgs } from './arguments';

import { Captures, stderrBytes, stdoutBytes } from './captures';
import { failureCode } from './failures';
import { untilExit, watchExit } from './runtime-exit';

import { wordsOf } from './runtime-log';

// EX_USAGE of <sysexits.h>.
const usageExit = 64;

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
  /** What the runtime may repeat of what the caller gave it, beside the arguments: asked for when it fails. */
  callersWords?: () => readonly string[];
  /** What the runtime, and what it makes, is to have. */
  attributes?: ProcessAttributes;
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
  /** Is told of each call that succeeded, and may ask at once what the runtime warned of: that has to be read. */
  onSuccess: ((id: string | undefined, warnings: () => readonly string[]) => void) | null = null;

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
      const logPath = this.#logPath(call.id, captured, fds);
      const argv = [this.#name(), ...globalArgs(this.#settings, logPath), ...call.args];
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
      if (status.code === 0) {
        this.onSuccess?.(call.id, () => captured.warnings());
        return { pid, argv, stdout: captured.stdout() };
      }
      throw runtimeFailure(call, this.#settings.root, argv, status, captured.texts());
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
      attributes: { openFiles: openFilesAtStart() ?? undefined, ...call.attributes },
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
        argv: keeperCommand(keep, this.#settings.runtimePath, imageFd, argv, fds, call.attributes),
        env: this.#settings.env,
        // The keeper makes no files but its record; the rest is for the runtime alone.
        attributes: { openFiles: openFilesAtStart() ?? undefined, umask: call.attributes?.umask },
        fds: fds.take(),
      });
    } catch (error) {
      throw spawnFailure(call, argv, error);
    }
  }

  /** What the runtime is started as. */
  #name(): string {
    const { kind, runtimePath } = this.#settings;
    return kind === 'other' ? path.basename(runtimePath) : kind;
  }

  #imageDescriptor(call: RuntimeCall): number {
    try {
      return this.#image.descriptor();
    } catch (error) {
      throw spawnFailure(call, [this.#name(), ...call.args], error);
    }
  }

  /**
   * Where the runtime logs: a file when asked for, else a memfd, behind the descriptors that are the container's: the
   * runtimes close those before they start its program.
   */
  #logPath(id: string | undefined, captured: Captures, fds: DescriptorList): string {
    const { logDir } = this.#settings;
    if (logDir !== null) {
      fs.mkdirSync(logDir, { recursive: true, mode: 0o700 });
      return captured.logFile(`${logDir}/${id ?? 'runtime'}.log`);
    }
    return fds.addByPath(captured.openFor('log', 0));
  }
}

function runtimeFailure(
  { op, id, deadline, args, callersWords }: RuntimeCall,
  root: string,
  argv: string[],
  status: ExitStatus,
  texts: { stderr: string; log: string },
): RuntimeError {
  const words = texts.log || wordsOf(texts.stderr);
  const how = status.signal ? `was killed by ${status.signal}` : `exited with ${status.code}`;
  const [, ...given] = args;
  const callers = [root, `${root}/${id}`, id ?? '', ...given, ...(callersWords?.() ?? [])];
  // crun's argument parser tells only on standard error, which is the container's when one is created.
  const isUsage = words === '' && status.code === usageExit;
  const said = words || isUsage ? `: ${words || 'it does not take this command line'}` : ' and said nothing';
  const code = isUsage ? 'ERR_UNSUPPORTED' : failureCode(op, words, callers);
  // Nearly always the machine's fault and not this container's.
  const hint = code === 'ERR_CGROUP' ? " ('npx dobby-runc doctor' looks at this machine's cgroups)" : '';
  return new RuntimeError(code, `${argv[0]} ${op}${id === undefined ? '' : ` ${id}`}: ${how}${said}${hint}`, {
    op,
    ...(id === undefined ? {} : { containerId: id }),
    argv,
    exitCode: status.code,
    signal: status.signal,
    durationMs: deadline.elapsedMs(),
    ...texts,
  });
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
