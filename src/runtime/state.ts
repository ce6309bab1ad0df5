import fs from 'node:fs';
import { native } from '../native';
import { kEnoent, kEnotdir } from '../process/errno';
import { readSmall, smallFile } from '../process/small-file';

/**
 * An answer that was worked out without starting the runtime, or the reason why it could not be.
 * `done: false` means: use the command line. Nothing has been changed, except where destroy() says so.
 */
export type Direct<T> = { done: true; value: T } | { done: false; why: string };

export type RuntimeStatus = 'created' | 'running' | 'paused' | 'stopped';

/** What `state` prints, field by field; which of the optional ones are there is the runtime's choice. */
export interface OciState {
  ociVersion: string;
  id: string;
  pid: number;
  status: RuntimeStatus;
  bundle: string;
  rootfs?: string;
  created?: string;
  'systemd-scope'?: string;
  owner?: string;
  annotations?: Record<string, string>;
}

/** One element of what `list --format json` prints. */
export type ListEntry = Omit<OciState, 'ociVersion' | 'systemd-scope'> & { ociVersion?: string };

/** Thrown inside this layer when something is not as the adapters know it: the command line takes over. */
export class Unfamiliar extends Error {
  override readonly name = 'Unfamiliar';
}

/** Runs a direct way; anything unfamiliar and any failed system call means the command line. */
export function attempt<T>(way: () => T): Direct<T> {
  try {
    return { done: true, value: way() };
  } catch (error) {
    return { done: false, why: reason(error) };
  }
}

/** Why a direct way was given up. What is neither Unfamiliar nor a failed system call is a bug of ours: thrown on. */
export function reason(error: unknown): string {
  if (error instanceof Unfamiliar) return error.message;
  if (!isSystemError(error)) throw error;
  return error.message;
}

/** A failed system call, as node:fs throws it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** The name of the errno of a failed system call: 'ENOENT'. */
export function errnoName(error: unknown): string {
  return isSystemError(error) ? (error.code ?? '') : '';
}

/** A file's text. What is not plain UTF-8 is unfamiliar: the runtimes differ in what they do with it. */
export function readText(path: string): string {
  const length = readSmall(path);
  if (length === null) throw new Unfamiliar(`${path} is gone`);
  const isWhole = length < smallFile.length;
  const text = isWhole ? smallFile.toString('utf8', 0, length) : fs.readFileSync(path, 'utf8');
  if (text.includes('\uFFFD')) throw new Unfamiliar(`${path} is not UTF-8`);
  return text;
}

const kStampLength = 5;
const stamp = new Float64Array(kStampLength);
const kNoStamp = new Float64Array(0);

/** Whether a file is there; a failure other than that it is not is unfamiliar. */
export function isThere(path: string): boolean {
  return stampOf(path, kNoStamp);
}

/** native.fileStamp(): a third of what fs.statSync() costs. */
function stampOf(path: string, out: Float64Array): boolean {
  const result = native.fileStamp(path, out);
  if (result === 0) return true;
  if (result === kEnoent || result === kEnotdir) return false;
  throw new Unfamiliar(`stat ${path}: error ${-result}`);
}

/**
 * A file that is parsed once for as long as it stays the same file: the runtimes replace their state files by
 * rename, so a new content is a new inode.
 */
export class ParsedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string, path: string) => T;
  readonly #stamp = new Float64Array(kStampLength);
  #value: T | undefined;

  constructor(path: string, parse: (text: string, path: string) => T) {
    this.#path = path;
    this.#parse = parse;
  }

  /** The parsed content, or undefined when there is no such file. */
  read(): T | undefined {
    for (let tries = 0; tries < 3; tries++) {
      if (!stampOf(this.#path, stamp)) return undefined;
      if (this.#value !== undefined && this.#isSame()) return this.#value;
      this.#value = undefined;
      this.#stamp.set(stamp);
      const value = this.#parse(readText(this.#path), this.#path);
      // Replaced while it was being read: the stamp must be that of what was parsed.
      if (!stampOf(this.#path, stamp)) return undefined;
      if (!this.#isSame()) continue;
      this.#value = value;
      return value;
    }
    throw new Unfamiliar(`${this.#path} keeps changing`);
  }

  /** What read() returned last. */
  get last(): T {
    if (this.#value === undefined) throw new Unfamiliar('read before');
    return this.#value;
  }

  #isSame(): boolean {
    for (let i = 0; i < kStampLength; i++) if (stamp[i] !== this.#stamp[i]) return false;
    return true;
  }
}

/**
 * Work on the loop in slices, so that nothing else waits longer than about kSliceMs: call pause() between two
 * steps; it returns a promise when the slice is used up.
 */
export class Slices {
  #start = performance.now();

  isUsedUp(): boolean {
    return performance.now() - this.#start > kSliceMs;
  }

  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#start = performance.now();
  }
}

/** Of the 0.2 ms that an operation may keep the loop: one more step follows the check. */
const kSliceMs = 0.13;
