import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';

/** The groups of system calls that native/fault/inject.c can have fail. */
export const groups = { none: 0, descriptor: 1, clone: 2, exec: 3, disk: 4, epoll: 5 } as const;
export type Group = Exclude<keyof typeof groups, 'none'>;

const words = 7;
const hitsWord = 5;

/** The file by which a process and the library preloaded into it are told what to fail. */
export class Injection {
  readonly #fd: number;
  readonly #control = new Int32Array(words);

  static makeFile(file: string): void {
    writeFileSync(file, Buffer.alloc(4096));
  }

  constructor(file: string) {
    this.#fd = openSync(file, 'r+');
  }

  /** Lets `skip` calls pass, then fails `times` with errno `error`. */
  arm(group: Group, skip: number, error: number, times = 1): void {
    this.#control.set([groups[group], skip, times, error, 0, 0]);
    writeSync(this.#fd, this.#control, 0, this.#control.byteLength, 0);
  }

  /** How many calls have failed since it was armed; no more will. */
  disarm(): number {
    readSync(this.#fd, this.#control, 0, this.#control.byteLength, 0);
    const hits = this.#control[hitsWord] as number;
    this.#control.fill(0, 0, hitsWord + 1);
    writeSync(this.#fd, this.#control, 0, this.#control.byteLength, 0);
    return hits;
  }

  /** Sets the wall clock that this process sees off by so many seconds. */
  setClockOffset(seconds: number): void {
    this.#control[hitsWord + 1] = seconds;
    writeSync(this.#fd, this.#control, 0, this.#control.byteLength, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
