import fs from 'node:fs';
import { native } from '../native';
import { systemError } from '../system/errno';
import { logMessage, logWarnings } from './runtime-log';

export const stderrBytes = 64 * 1024;
// How much of a log is looked at: its end, where the reason for a failure stands.
const logBytes = 256 * 1024;
// Sparse: costs what is written. A list of ten thousand containers is about 5 MB.
export const stdoutBytes = 64 * 1024 * 1024;

/** The memfds that catch what one call prints. */
export class Captures {
  readonly #fds = new Map<string, number>();
  #logFile: { path: string; from: number } | null = null;

  /** A descriptor to hand to the child; ours stays. */
  openFor(name: string, limit: number): number {
    const fd = native.duplicate(this.#open(name, limit));
    if (fd < 0) throw systemError('dup', fd);
    return fd;
  }

  #open(name: string, limit: number): number {
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
    return { stderr: this.#read('stderr'), log: logMessage(this.#log()) };
  }

  /** What the runtime warned of, for a call that succeeded. */
  warnings(): string[] {
    return logWarnings(this.#log());
  }

  close(): void {
    for (const fd of this.#fds.values()) native.close(fd);
    this.#fds.clear();
  }

  #log(): string {
    return this.#logFile ? readFrom(this.#logFile) : this.#read('log');
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
