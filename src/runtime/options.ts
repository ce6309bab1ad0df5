import { accessSync, constants, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { argumentRangeError, argumentTypeError, RuntimeError } from '../errors';
import { findKeeper } from '../keeper/binary';
import type { OciProcess } from '../oci';
import type { Fd } from '../process/descriptors';
import { type Signal, signalNumber } from '../process/signals';
import type { IoOptions } from '../process/stdio';
import { checkOptionNames } from '../system/option-names';
import { runDirectory } from '../system/run-directory';

/** What every operation takes. */
export interface CallOptions {
  /** Aborting it rejects the call with ERR_ABORTED and leaves nothing behind. */
  signal?: AbortSignal;
  /** Milliseconds from the call; then it rejects with ERR_TIMEOUT and leaves nothing behind. */
  timeoutMs?: number;
}

export const callNames = namesOf<CallOptions>({ signal: 0, timeoutMs: 0 });

/** @throws TypeError for what is no object, and for a name that is not in `names` */
export function checkCall(o: unknown, names: readonly string[] = callNames): void {
  if (typeof o !== 'object' || o === null) throw argumentTypeError('options: must be an object');
  checkOptionNames('options', o, names);
}

/** In the options of a verb of a handle: which container it is for. Not for callers. */
export const kMark = Symbol('mark');

export interface Mark {
  /** @throws ERR_CONTAINER_NOT_FOUND when the id is another container's by now */
  check(op: string): void;
}

export interface MarkedOptions extends CallOptions {
  [kMark]?: Mark;
}

/** A call's limits alone, from options that have more. */
export function pickCall(o: MarkedOptions): MarkedOptions {
  const { signal, timeoutMs, [kMark]: mark } = o;
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(mark === undefined ? {} : { [kMark]: mark }),
  };
}

/** How to stop a container: first `signal`, after `graceMs` milliseconds SIGKILL. */
export interface StopOptions {
  signal?: Signal;
  graceMs?: number;
}

const stopDefaultNames = namesOf<StopOptions>({ signal: 0, graceMs: 0 });

/** The options of one stop(): `signal` is the signal to send, or the AbortSignal of the call. */
export interface StopCallOptions {
  signal?: Signal | AbortSignal;
  /** The signal to send, where `signal` is the AbortSignal. */
  stopSignal?: Signal;
  /** Milliseconds until SIGKILL. */
  graceMs?: number;
  /** true: a paused container stays frozen, and so ends by SIGKILL; false (default): it is thawed after the signal. */
  keepFrozen?: boolean;
  timeoutMs?: number;
}

export const stopNames = namesOf<StopCallOptions>({
  signal: 0,
  stopSignal: 0,
  graceMs: 0,
  keepFrozen: 0,
  timeoutMs: 0,
});

/** The names of an interface's members, all of them: the compiler sees to it. */
function namesOf<T>(names: Record<keyof Required<T>, 0>): readonly string[] {
  return Object.keys(names);
}

export interface RuntimeOptions {
  /** Name or path of the runtime; default: the first of crun, runc on PATH. */
  runtime?: string;
  /** The runtime's --root; default /run/dobby-runc/<runtime>, below XDG_RUNTIME_DIR when not root. */
  root?: string;
  /** Keep the runtime's log of every container as <logDir>/<id>.log (JSON lines). */
  logDir?: string;
  /** The runtime's --debug. */
  debug?: boolean;
  cgroupManager?: 'cgroupfs' | 'systemd' | 'disabled';
  rootless?: boolean | 'auto';
  /** Environment of the runtime process; default PATH only. */
  env?: Record<string, string>;
  /** 'oci': letters, digits and _ + - . ; 'dobby': 1 to 128 of A-Za-z0-9._-, no '..', at least one letter. */
  idRules?: 'oci' | 'dobby';
  /** 'auto' (default): answer without starting a process where that is proven equal. */
  direct?: 'auto' | 'off';
  /**
   * A file written by `dobby-runc prove` for a runtime whose version is in no table: with it 'auto' does what it has
   * shown to be equal. Default: what `prove` has written below the run directory.
   */
  proof?: string;
  /** true (default): keep the seccomp filter that crun has made of a profile for the next create with that profile. */
  createCache?: boolean;
  /** 'memfd' (default): start the runtime from a sealed copy in memory. */
  runtimeImage?: 'memfd' | 'path';
  /** Who collects exit statuses: see docs/exits.md. */
  reaper?: 'auto' | 'subreaper' | 'off';
  /** The watchdog of create, milliseconds; default 5500. A call's own timeoutMs goes before it. */
  createTimeoutMs?: number;
  /** How many creates may run side by side; default twice the processors, at least 4. */
  maxConcurrentCreates?: number;
  /**
   * 'own': every process gets a keeper, a small process that outlives this one and writes down how its process ended,
   * so that a successor is told. 'none' (default). See docs/restart.md.
   */
  keeper?: 'none' | 'own';
  /** Defaults of stop(): SIGTERM, 500 ms. */
  stop?: StopOptions;
}

const runtimeNames = namesOf<RuntimeOptions>({
  runtime: 0,
  root: 0,
  logDir: 0,
  debug: 0,
  cgroupManager: 0,
  rootless: 0,
  env: 0,
  idRules: 0,
  direct: 0,
  proof: 0,
  createCache: 0,
  runtimeImage: 0,
  reaper: 0,
  createTimeoutMs: 0,
  maxConcurrentCreates: 0,
  keeper: 0,
  stop: 0,
});

export interface CreateOptions extends CallOptions, IoOptions {
  /** A config.json to use instead of the bundle's. */
  configPath?: string;
  /** files[i] is descriptor 3+i in the container. */
  files?: readonly Fd[];
  /** Where to write the pid of the container's init as well. */
  pidFile?: string;
  /** chroot(2) in place of pivot_root(2), for a root file system in a ramdisk; less safe. Default false. */
  noPivot?: boolean;
  /** The container keeps this session's keyring. Default false. */
  noNewKeyring?: boolean;
  /** Further arguments for the runtime's create. */
  extraArgs?: readonly string[];
}

const ioNames = { stdin: 0, stdout: 0, stderr: 0, tty: 0, files: 0, signal: 0, timeoutMs: 0 } as const;

export const createNames = namesOf<CreateOptions>({
  ...ioNames,
  configPath: 0,
  pidFile: 0,
  noPivot: 0,
  noNewKeyring: 0,
  extraArgs: 0,
});

export interface ExecOptions extends CallOptions, IoOptions {
  /** The whole process as config.json has it, instead of the container's own; its `args` give way to the command. */
  process?: OciProcess;
  /** Absolute, in the container. Default: the container's own. */
  cwd?: string;
  /** Added to the container's own environment. */
  env?: Record<string, string>;
  /** 'uid[:gid]' (gid 0 when it is not given) or numbers, as the container sees them. Its groups are those given here. */
  user?: string | { uid: number; gid?: number; additionalGids?: number[] };
  /** Capabilities to add to the bounding, effective and permitted sets, 'CAP_NET_RAW'. */
  capabilities?: string[];
  /** An AppArmor profile's name. Default: the container's own. */
  apparmor?: string;
  /** Default: the container's own. */
  selinuxLabel?: string;
  /** no_new_privs of prctl(2). Default: the container's own. */
  noNewPrivileges?: boolean;
  /** A cgroup below the container's. crun has it with cgroup v2 only (ERR_UNSUPPORTED). */
  cgroup?: string;
  /** Where to write the pid of the process as well. */
  pidFile?: string;
  /** files[i] is descriptor 3+i of the process. */
  files?: readonly Fd[];
}

export const execNames = namesOf<ExecOptions>({
  ...ioNames,
  process: 0,
  cwd: 0,
  env: 0,
  user: 0,
  capabilities: 0,
  apparmor: 0,
  selinuxLabel: 0,
  noNewPrivileges: 0,
  cgroup: 0,
  pidFile: 0,
});

/** RuntimeOptions, checked and completed. */
export interface Settings {
  runtimePath: string;
  /** Guessed from the file's name, until the runtime has told what it is. */
  kind: 'crun' | 'runc' | 'other';
  root: string;
  logDir: string | null;
  debug: boolean;
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
  rootless: boolean | 'auto' | null;
  env: Record<string, string>;
  idRules: 'oci' | 'dobby';
  direct: 'auto' | 'off';
  proof: string | null;
  createCache: boolean;
  runtimeImage: 'memfd' | 'path';
  reaper: 'auto' | 'subreaper' | 'off';
  createTimeoutMs: number;
  maxConcurrentCreates: number;
  /** The keeper's program; null: none. */
  keeper: string | null;
  stopSignal: number;
  stopGraceMs: number;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Checks what the constructor is given. Throws TypeError, RangeError or ERR_RUNTIME_NOT_FOUND. */
export function resolveSettings(o: RuntimeOptions): Settings {
  if (typeof o !== 'object' || o === null) throw argumentTypeError('options: must be an object');
  checkOptionNames('options', o, runtimeNames);
  if (o.stop !== undefined) checkOptionNames('options.stop', o.stop, stopDefaultNames);
  const runtimePath = findRuntime(o.runtime);
  const kind = path.basename(runtimePath).includes('runc') ? 'runc' : 'crun';
  const root = pathOption('root', o.root) ?? path.join(runDirectory(), path.basename(runtimePath));
  return {
    runtimePath,
    kind,
    root,
    logDir: pathOption('logDir', o.logDir),
    debug: o.debug ?? false,
    cgroupManager: oneOf('cgroupManager', o.cgroupManager ?? 'cgroupfs', ['cgroupfs', 'systemd', 'disabled']),
    rootless: o.rootless ?? null,
    env: checkEnvironment('env', o.env ?? { PATH: process.env.PATH ?? defaultPath }),
    idRules: oneOf('idRules', o.idRules ?? 'oci', ['oci', 'dobby']),
    direct: oneOf('direct', o.direct ?? 'auto', ['auto', 'off']),
    proof: pathOption('proof', o.proof),
    createCache: o.createCache ?? true,
    runtimeImage: oneOf('runtimeImage', o.runtimeImage ?? 'memfd', ['memfd', 'path']),
    reaper: oneOf('reaper', o.reaper ?? 'auto', ['auto', 'subreaper', 'off']),
    createTimeoutMs: checkMs('createTimeoutMs', o.createTimeoutMs ?? 5500),
    maxConcurrentCreates: checkCount(
      'maxConcurrentCreates',
      o.maxConcurrentCreates ?? Math.max(4, 2 * availableParallelism()),
    ),
    keeper: oneOf('keeper', o.keeper ?? 'none', ['none', 'own']) === 'own' ? findKeeper() : null,
    stopSignal: signalNumber(o.stop?.signal ?? 'SIGTERM'),
    stopGraceMs: checkMs('stop.graceMs', o.stop?.graceMs ?? 500, 0),
  };
}

function findRuntime(runtime: string | undefined): string {
  if (runtime !== undefined && (typeof runtime !== 'string' || runtime === '' || runtime.includes('\0')))
    throw argumentTypeError("runtime: must be 'crun', 'runc', another name on PATH, or a path");
  if (runtime?.includes('/')) return path.resolve(runtime);
  const names = runtime === undefined ? ['crun', 'runc'] : [runtime];
  for (const name of names)
    for (const directory of (process.env.PATH ?? defaultPath).split(':')) {
      const candidate = path.join(directory, name);
      if (isExecutableFile(candidate)) return candidate;
    }
  throw new RuntimeError('ERR_RUNTIME_NOT_FOUND', `no runtime: ${names.join(' or ')} is not on PATH`, {
    op: 'construct',
  });
}

function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function pathOption(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  return resolvePath(name, value);
}

/** The absolute path that a caller's path is now. @throws TypeError for what can't be one */
export function resolvePath(name: string, value: unknown): string {
  checkPath(name, value);
  return path.resolve(value);
}

/** @throws TypeError for what can't be a path */
export function checkPath(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw argumentTypeError(`${name}: must be a path, not ${typeof value}`);
  if (value === '' || value.includes('\0'))
    throw argumentTypeError(`${name}: must not be empty or hold a NUL byte`, 'ERR_INVALID_ARG_VALUE');
}

export function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value))
    throw argumentTypeError(
      `${name}: must be one of ${allowed.join(', ')}, not ${value}`,
      'ERR_INVALID_ARG_VALUE',
    );
  return value;
}

/** The longest time setTimeout can wait, milliseconds. */
const longestMs = 0x7fffffff;

/** @throws TypeError */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean')
    throw argumentTypeError(`${name}: must be true or false, not ${typeof value}`);
  return value;
}

export function checkMs(name: string, value: unknown, least = 1): number {
  if (typeof value !== 'number')
    throw argumentTypeError(`${name}: must be milliseconds, not ${typeof value}`);
  if (!(value >= least && value <= longestMs))
    throw argumentRangeError(`${name}: must be ${least} to ${longestMs} milliseconds, not ${value}`);
  return value;
}

function checkCount(name: string, value: unknown): number {
  if (typeof value !== 'number') throw argumentTypeError(`${name}: must be a number, not ${typeof value}`);
  if (!(value >= 1) || (value !== Number.POSITIVE_INFINITY && !Number.isInteger(value)))
    throw argumentRangeError(`${name}: must be a whole number above 0, not ${value}`);
  return value;
}

/** @throws TypeError unless it is an object of strings that can stand in an environment */
export function checkEnvironment(name: string, env: Record<string, string>): Record<string, string> {
  if (typeof env !== 'object' || env === null)
    throw argumentTypeError(`${name}: must be an object of strings`);
  for (const [key, value] of Object.entries(env)) {
    if (typeof value !== 'string')
      throw argumentTypeError(`${name}.${key}: must be a string, not ${typeof value}`);
    if (key === '' || key.includes('=') || key.includes('\0') || value.includes('\0'))
      throw argumentTypeError(`${name}: '${key}' can't stand in an environment`, 'ERR_INVALID_ARG_VALUE');
  }
  return env;
}
