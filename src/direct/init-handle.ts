import fs from 'node:fs';
import { native } from '../native';
import {
  byPath,
  type Freezer,
  type FreezerAccess,
  openCgroupFile,
  readCgroupFd,
  writeCgroupFd,
} from '../runtime/cgroup';
import { kEsrch } from '../system/errno';
import { FileStamp, isThere } from '../system/file-stamp';
import { hasMemory, isAlive, readStat } from '../system/process-stat';
import { attempt, Unfamiliar } from '../system/unfamiliar';
import type { Identity, InitWatch, Probe } from './adapter';
import { fifoIn } from './exec-fifo';

const kReadable = 1;
const now = new FileStamp();

/**
 * The descriptors of one container's init that are kept between calls. A pidfd and an open /proc/pid/statm stay
 * bound to their process, so nothing here can mean another process that got the same pid later.
 */
export class KeptInit implements FreezerAccess {
  readonly pid: number;
  readonly startTime: number;
  readonly pidfd: number;
  readonly #statmFd: number;
  #freezerFd = -1;
  #freezerFile = '';
  /** The state directory as it was when there was no exec.fifo in it any more; null: there may be one. */
  #started: FileStamp | null = null;
  #isClosed = false;

  private constructor(pid: number, startTime: number, pidfd: number, statmFd: number) {
    this.pid = pid;
    this.startTime = startTime;
    this.pidfd = pidfd;
    this.#statmFd = statmFd;
  }

  /** null when the process has gone, or when there are no more descriptors to be had. */
  static open(pid: number): KeptInit | null {
    const pidfd = native.pidfdOpen(pid);
    if (pidfd < 0) return null;
    const statmFd = openQuietly(`/proc/${pid}/statm`);
    const read = attempt(() => (statmFd < 0 ? null : readStat(pid)));
    const stat = read.done ? read.value : null;
    // The pidfd's process has not been reaped after the others were opened: so all mean the same process.
    if (stat !== null && native.pidfdSignal(pidfd, 0) !== kEsrch) {
      return new KeptInit(pid, stat.startTime, pidfd, statmFd);
    }
    native.close(pidfd);
    if (statmFd >= 0) fs.closeSync(statmFd);
    return null;
  }

  isFor(identity: Identity): boolean {
    return identity.pid === this.pid && identity.startTime === this.startTime;
  }

  isAlive(): boolean {
    const isRunning = hasMemory(this.#statmFd);
    if (isRunning === null) return false;
    return isRunning || isAlive(readStat(this.pid), this.startTime);
  }

  /**
   * Whether exec.fifo is in the state directory. Once it is gone it is not looked for again while the directory is
   * unchanged: on a tmpfs the kernel remembers no names that are not there, and takes twice as long to find that out.
   */
  hasFifo(directory: string): boolean {
    if (this.#started !== null && now.take(directory) && now.isSame(this.#started)) return false;
    this.#started = null;
    const fifo = fifoIn(directory);
    if (isThere(fifo)) return true;
    const stamp = new FileStamp();
    // Stamped, then looked for once more: what is put there later changes the stamp. Before Linux 6.13 only if it comes
    // in another clock tick; but no runtime puts a fifo back.
    if (!stamp.take(directory)) return false;
    if (isThere(fifo)) return true;
    this.#started = stamp;
    return false;
  }

  /** The freezer's text by a kept descriptor; null when its cgroup is gone. */
  freezerText(freezer: Freezer): string | null {
    if (this.#isClosed) return byPath.freezerText(freezer);
    return this.#withFreezer(freezer, (fd) => readCgroupFd(fd, freezer.file));
  }

  /** Throws when its cgroup is gone. */
  writeFreezer(freezer: Freezer, word: string): void {
    if (this.#isClosed) {
      byPath.writeFreezer(freezer, word);
      return;
    }
    const written = this.#withFreezer(freezer, (fd) => writeCgroupFd(fd, freezer.file, word) || null);
    if (written === null) throw new Unfamiliar(`${freezer.file} is gone`);
  }

  /** By the kept descriptor; where `use` finds that its cgroup has been removed (null), by a new one. */
  #withFreezer<T>(freezer: Freezer, use: (fd: number) => T | null): T | null {
    if (this.#freezerFd >= 0 && this.#freezerFile === freezer.file) {
      const result = use(this.#freezerFd);
      if (result !== null) return result;
    }
    this.#closeFreezer();
    const fd = openCgroupFile(freezer.file, fs.constants.O_RDWR);
    if (fd < 0) return null;
    this.#freezerFd = fd;
    this.#freezerFile = freezer.file;
    return use(fd);
  }

  /** A pause or resume that waits goes on without the kept descriptor, and opens none that nobody would close. */
  close(): void {
    this.#isClosed = true;
    native.close(this.pidfd);
    fs.closeSync(this.#statmFd);
    this.#closeFreezer();
  }

  #closeFreezer(): void {
    if (this.#freezerFd >= 0) fs.closeSync(this.#freezerFd);
    this.#freezerFd = -1;
  }
}

function openQuietly(path: string): number {
  try {
    return fs.openSync(path, fs.constants.O_RDONLY);
  } catch {
    return -1;
  }
}

/** What the adapters ask about one container, by kept descriptors where there are some. */
export class InitProbe implements Probe, FreezerAccess {
  readonly #identity: Identity;
  readonly #kept: KeptInit | undefined;
  readonly #directory: string;

  /** directory: the container's state directory. kept must be for this identity. */
  constructor(identity: Identity, directory: string, kept: KeptInit | undefined) {
    this.#identity = identity;
    this.#directory = directory;
    this.#kept = kept;
  }

  isAlive(): boolean {
    if (this.#kept !== undefined) return this.#kept.isAlive();
    return isAlive(readStat(this.#identity.pid), this.#identity.startTime);
  }

  hasFifo(): boolean {
    return this.#kept?.hasFifo(this.#directory) ?? isThere(fifoIn(this.#directory));
  }

  freezerText(freezer: Freezer): string | null {
    return (this.#kept ?? byPath).freezerText(freezer);
  }

  writeFreezer(freezer: Freezer, word: string): void {
    (this.#kept ?? byPath).writeFreezer(freezer, word);
  }
}

/**
 * A pidfd of the process that a state file means, for one operation: the kept one, which can mean no other, or one
 * that is opened now and checked afterwards (the pid cannot change hands while the pidfd's process is alive).
 */
export class InitPidfd implements InitWatch {
  readonly fd: number;
  readonly #isOwned: boolean;
  #exited: Promise<void> | undefined;
  #watchFd = -1;

  /** kept must be for this identity. */
  constructor(identity: Identity, kept: KeptInit | undefined) {
    this.#isOwned = kept === undefined;
    this.fd = kept === undefined ? native.pidfdOpen(identity.pid) : kept.pidfd;
    if (this.fd < 0) throw new Unfamiliar(`pidfd of process ${identity.pid}: error ${-this.fd}`);
    if (kept !== undefined || isAlive(readStat(identity.pid), identity.startTime)) return;
    this.release();
    throw new Unfamiliar(`process ${identity.pid} is not the container's init any more`);
  }

  signal(signal: number): void {
    const result = native.pidfdSignal(this.fd, signal);
    if (result < 0) throw new Unfamiliar(`signal ${signal}: error ${-result}`);
  }

  get exited(): Promise<void> {
    this.#exited ??= new Promise<void>((resolve, reject) => {
      const fd = native.duplicate(this.fd);
      const result =
        fd < 0
          ? fd
          : native.poll(fd, kReadable, () => {
              this.#endWatch();
              resolve();
            });
      if (result < 0) reject(new Unfamiliar(`cannot watch a pidfd: error ${-result}`));
      else this.#watchFd = fd;
    });
    return this.#exited;
  }

  release(): void {
    this.#endWatch();
    if (this.#isOwned && this.fd >= 0) native.close(this.fd);
  }

  #endWatch(): void {
    if (this.#watchFd >= 0) native.pollClose(this.#watchFd);
    this.#watchFd = -1;
  }
}
