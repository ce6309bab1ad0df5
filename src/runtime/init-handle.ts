import fs from 'node:fs';
import { native } from '../native';
import type { Identity, InitWatch, Probe } from './adapter';
import { type Freezer, openCgroupFile, readCgroupFd, readCgroupFile } from './cgroup';
import { isAlive, openStat, readStat, readStatFd } from './process-stat';
import { errnoName, Unfamiliar } from './state';

const kReadable = 1;
const kEsrch = -3;

/**
 * The descriptors of one container's init that are kept between calls. A pidfd and an open /proc/pid/stat stay
 * bound to their process, so nothing here can mean another process that got the same pid later.
 */
export class KeptInit {
  readonly pid: number;
  readonly startTime: number;
  readonly pidfd: number;
  readonly #statFd: number;
  #freezerFd = -1;
  #freezerFile = '';

  private constructor(pid: number, startTime: number, pidfd: number, statFd: number) {
    this.pid = pid;
    this.startTime = startTime;
    this.pidfd = pidfd;
    this.#statFd = statFd;
  }

  /** null when the process has gone, or when there are no more descriptors to be had. */
  static open(pid: number, pidfd: number | undefined): KeptInit | null {
    const copy = pidfd === undefined ? native.pidfdOpen(pid) : native.duplicate(pidfd);
    if (copy < 0) return null;
    const statFd = openStatQuietly(pid);
    const stat = statFd < 0 ? null : readStatFd(statFd);
    // The pidfd's process has not been reaped after its stat was opened: so both mean the same process.
    if (stat !== null && native.pidfdSignal(copy, 0) !== kEsrch) {
      return new KeptInit(pid, stat.startTime, copy, statFd);
    }
    native.close(copy);
    if (statFd >= 0) fs.closeSync(statFd);
    return null;
  }

  isFor(identity: Identity): boolean {
    return identity.pid === this.pid && identity.startTime === this.startTime;
  }

  isAlive(): boolean {
    return isAlive(readStatFd(this.#statFd), this.startTime);
  }

  /** The freezer's text by a kept descriptor; a cgroup that was removed and made again is opened again. */
  freezer(freezer: Freezer): string | null {
    if (this.#freezerFd >= 0 && this.#freezerFile === freezer.file) {
      const text = readCgroupFd(this.#freezerFd, freezer.file);
      if (text !== null) return text;
    }
    this.#closeFreezer();
    const fd = openCgroupFile(freezer.file);
    if (fd < 0) return null;
    this.#freezerFd = fd;
    this.#freezerFile = freezer.file;
    return readCgroupFd(fd, freezer.file);
  }

  close(): void {
    native.close(this.pidfd);
    fs.closeSync(this.#statFd);
    this.#closeFreezer();
  }

  #closeFreezer(): void {
    if (this.#freezerFd >= 0) fs.closeSync(this.#freezerFd);
    this.#freezerFd = -1;
  }
}

function openStatQuietly(pid: number): number {
  try {
    return openStat(pid);
  } catch {
    return -1;
  }
}

/** What the adapters ask about one container, by kept descriptors where there are some. */
export class InitProbe implements Probe {
  readonly #identity: Identity;
  readonly #kept: KeptInit | undefined;
  readonly #fifo: string;

  /** kept must be for this identity. */
  constructor(identity: Identity, fifo: string, kept: KeptInit | undefined) {
    this.#identity = identity;
    this.#fifo = fifo;
    this.#kept = kept;
  }

  exists(): boolean {
    if (this.#kept !== undefined) {
      const result = native.pidfdSignal(this.#kept.pidfd, 0);
      if (result === 0) return true;
      // The pid may be another process' by now; its start time would tell, and the answer is the same.
      if (result === kEsrch) return false;
      throw new Unfamiliar(`no permission to signal process ${this.#identity.pid}: error ${-result}`);
    }
    try {
      return process.kill(this.#identity.pid, 0);
    } catch (error) {
      if (errnoName(error) === 'ESRCH') return false;
      throw error;
    }
  }

  isAlive(): boolean {
    if (this.#kept !== undefined) return this.#kept.isAlive();
    return isAlive(readStat(this.#identity.pid), this.#identity.startTime);
  }

  hasFifo(): boolean {
    return fs.existsSync(this.#fifo);
  }

  freezer(freezer: Freezer): string | null {
    return this.#kept === undefined ? readCgroupFile(freezer.file) : this.#kept.freezer(freezer);
  }
}

/**
 * A pidfd of the process that a state file means, for one operation: the kept one, or one that is opened now and
 * checked afterwards (the pid cannot change hands while the pidfd's process is alive).
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
    const alive = kept === undefined ? isAlive(readStat(identity.pid), identity.startTime) : kept.isAlive();
    if (alive) return;
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
