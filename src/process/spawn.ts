import { getSystemErrorName } from 'node:util';
import { native, SpawnStep } from '../native';

/** What a process is to have otherwise than this one; what is not given it has as this one. */
export interface ProcessAttributes {
  /** proc(5), -1000 to 1000. */
  oomScoreAdj?: number | undefined;
  /** As ioprio_set(2) takes it: class << 13 | data. */
  ioPriority?: number | undefined;
  /** The soft limit of open files (RLIMIT_NOFILE). */
  openFiles?: number | undefined;
  /** 022 when it is not given. */
  umask?: number | undefined;
}

const keepAttribute = -(2 ** 31);

/** What to start, and with what. */
export interface SpawnRequest {
  /** Absolute path; also what is executed when imageFd is -1. */
  file: string;
  /** A sealed memfd with the program (see runtime-image), or -1. Stays the caller's. */
  imageFd?: number;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** fds[i] becomes descriptor i; -1 is /dev/null. Handed over: closed in every case. */
  fds: readonly number[];
  attributes?: ProcessAttributes;
  /** 'thread' hands over to the spawn thread; 'loop' starts it right here. See docs/performance.md. */
  where?: 'thread' | 'loop';
}

/** A started process: its pid, and a pidfd for a WatchedProcess to take over. */
export interface Spawned {
  pid: number;
  pidfd: number;
}

/** exec or a step before it failed; `code` is the errno's name. */
export class SpawnError extends Error {
  readonly code: string;
  readonly step: SpawnStep;

  constructor(request: SpawnRequest, errno: number, step: SpawnStep) {
    const code = getSystemErrorName(-errno);
    super(`${SpawnStep[step]} of ${request.file} failed: ${code}`);
    this.code = code;
    this.step = step;
  }
}

/** Starts a process in a session of its own, with exactly the descriptors of the request. */
export function spawnProcess(request: SpawnRequest): Promise<Spawned> {
  const { file, argv, env, cwd = '/', imageFd = -1 } = request;
  const parts = [file, cwd, ...argv];
  for (const name in env) parts.push(`${name}=${env[name]}`);
  const strings = parts.join('\0');
  const fds = Int32Array.from(request.fds);
  const out = new Int32Array(4);
  const attributes = attributesOf(request.attributes);

  const settle = (): Spawned => {
    const [pid, pidfd, errno, step] = out as unknown as [number, number, number, SpawnStep];
    if (errno !== 0) throw new SpawnError(request, errno, step);
    return { pid, pidfd };
  };
  if (request.where === 'loop') {
    native.spawn(strings, argv.length, fds, imageFd, out, undefined, attributes);
    return new Promise((resolve) => {
      resolve(settle());
    });
  }
  return new Promise<void>((resolve) => {
    native.spawn(strings, argv.length, fds, imageFd, out, resolve, attributes);
  }).then(settle);
}

function attributesOf(o: ProcessAttributes | undefined): Int32Array | undefined {
  if (o === undefined) return undefined;
  return Int32Array.of(
    o.oomScoreAdj ?? keepAttribute,
    o.ioPriority ?? keepAttribute,
    o.openFiles ?? keepAttribute,
    o.umask ?? keepAttribute,
  );
}
