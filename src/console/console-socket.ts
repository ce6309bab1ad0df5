import fs from 'node:fs';
import { native } from '../native';
import { kEagain, kEintr, systemError } from '../system/errno';
import type { TtySize } from './pty';

/**
 * The private socket on which one call of the runtime sends one terminal (OCI runtimes' --console-socket). Whoever
 * connects and is not of our user, or sends anything but one pty master, is hung up on; the wait goes on.
 */
export class ConsoleSocket {
  readonly path: string;
  /** Resolves with the pty master, an environment-owned descriptor. Rejects at close(), or when it can't be sized. */
  readonly terminal: Promise<number>;
  #listenFd: number;
  readonly #size: TtySize | null;
  readonly #connections = new Set<number>();
  #settle: { resolve(fd: number): void; reject(error: Error): void };

  /**
   * path: at most 107 bytes, in a directory that only this user can enter. The terminal gets its size as soon as it
   * arrives: an exec'd program is started while the runtime is still at work, and may ask for it at once.
   */
  constructor(path: string, size: TtySize | null = null) {
    this.path = path;
    this.#size = size;
    let settle: { resolve(fd: number): void; reject(error: Error): void } | null = null;
    this.terminal = new Promise<number>((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.terminal.catch(() => {}); // close() without a terminal is no accident of its own
    this.#settle = settle as unknown as { resolve(fd: number): void; reject(error: Error): void };
    this.#listenFd = native.listenUnix(path);
    if (this.#listenFd < 0) throw systemError(`bind ${path}`, this.#listenFd);
    const result = native.poll(this.#listenFd, 1, () => {
      this.poll();
    });
    if (result < 0) {
      native.close(this.#listenFd);
      fs.rmSync(path, { force: true });
      throw systemError('poll', result);
    }
  }

  /** Looks at what has arrived now, without waiting for the event loop. */
  poll(): void {
    const peer = new Int32Array(3);
    while (this.#listenFd >= 0) {
      const fd = native.accept(this.#listenFd, peer);
      if (fd === kEintr) continue;
      if (fd < 0) break;
      const uid = peer[1] as number;
      if (uid !== 0 && uid !== process.geteuid?.()) native.close(fd);
      else this.#watchConnection(fd);
    }
    for (const fd of [...this.#connections]) this.#receive(fd);
  }

  /** Hangs up, removes the socket file. Without a terminal so far, `terminal` rejects. */
  close(): void {
    if (this.#listenFd < 0) return;
    for (const fd of this.#connections) native.pollClose(fd);
    this.#connections.clear();
    native.pollClose(this.#listenFd);
    this.#listenFd = -1;
    fs.rmSync(this.path, { force: true });
    this.#settle.reject(new Error('no terminal was sent'));
  }

  #watchConnection(fd: number): void {
    native.nonblocking(fd, true);
    if (native.poll(fd, 1, () => this.#receive(fd)) < 0) native.close(fd);
    else this.#connections.add(fd);
  }

  #receive(fd: number): void {
    if (!this.#connections.has(fd)) return;
    const masterFd = native.receiveFd(fd);
    if (masterFd === kEagain || masterFd === kEintr) return;
    this.#connections.delete(fd);
    native.pollClose(fd);
    if (masterFd < 0) return;
    if (native.isPtyMaster(masterFd) !== 1) {
      native.close(masterFd);
      return;
    }
    const sized = this.#size ? native.windowSize(masterFd, this.#size.cols, this.#size.rows) : 0;
    if (sized < 0) {
      native.close(masterFd);
      this.#settle.reject(systemError('ioctl TIOCSWINSZ', sized));
    } else {
      this.#settle.resolve(masterFd);
    }
    this.close();
  }
}
