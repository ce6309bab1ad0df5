import { argumentRangeError } from '../errors';
import { native } from '../native';
import { FdStream } from '../process/fd-stream';
import { systemError } from '../system/errno';

/** The size of a terminal in characters. */
export interface TtySize {
  cols: number;
  rows: number;
}

/** The terminal of a process: what it prints can be read here, what is written here it reads. */
export class Tty extends FdStream {
  /** Takes over masterFd, also when it throws. */
  constructor(masterFd: number) {
    // The runtime sends a blocking master; nobody else uses this open file description any more.
    native.nonblocking(masterFd, true);
    super(masterFd, { readable: true, writable: true });
  }

  /** TIOCSWINSZ: the process gets SIGWINCH. No effect after the end. */
  resize(cols: number, rows: number): void {
    checkTtySize({ cols, rows });
    if (this.fd < 0) return;
    const result = native.windowSize(this.fd, cols, rows);
    if (result < 0) throw systemError('ioctl(TIOCSWINSZ)', result);
  }
}

/** @throws RangeError for a size that is not made of whole numbers from 0 to 65535 */
export function checkTtySize({ cols, rows }: TtySize): void {
  for (const [name, value] of [
    ['cols', cols],
    ['rows', rows],
  ] as const)
    if (!Number.isInteger(value) || value < 0 || value > 0xffff)
      throw argumentRangeError(`tty ${name}: must be a whole number from 0 to 65535, not ${value}`);
}
