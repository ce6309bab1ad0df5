import fs from 'node:fs';
import { native } from '../native';
import { kEagain } from '../system/errno';
import { Unfamiliar } from '../system/unfamiliar';
import type { InitWatch } from './adapter';

const kReadable = 1;

/** What a created container's init waits for; it is there until the container is started. */
export function fifoIn(stateDirectory: string): string {
  return `${stateDirectory}/exec.fifo`;
}

/**
 * runc's start: the init is waiting in open() for a reader, then writes "0" and execs; the end of file says that
 * it has. Once the fifo is open it must be read: closing it unread kills the init by EPIPE. So an init that dies
 * first is the only way out; a caller whose deadline comes leaves this running (see DirectOperations.start).
 */
export async function readFifo(fifo: string, init: InitWatch): Promise<void> {
  const hasStarted = await readToEnd(openForReading(fifo), init);
  if (!hasStarted) throw new Unfamiliar('the init died before it was started');
  fs.unlinkSync(fifo);
}

/** A descriptor that the native side may close: one of node:fs would be closed again when a worker ends. */
function openForReading(fifo: string): number {
  const fd = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const copy = native.duplicate(fd);
  // Without the copy this close leaves the init to an EPIPE; out of descriptors is worth that risk being told.
  fs.closeSync(fd);
  if (copy < 0) throw new Unfamiliar(`cannot duplicate a descriptor: error ${-copy}`);
  return copy;
}

/** Whether anything came before the end of file. Takes over the descriptor. */
function readToEnd(fd: number, init: InitWatch): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.alloc(16);
    let received = 0;
    let isOver = false;
    const drain = (): number => {
      for (;;) {
        const length = native.read(fd, buffer, 0, buffer.length);
        if (length <= 0) return length;
        received += length;
      }
    };
    const onEvent = (hasExited: boolean): void => {
      if (isOver || (drain() === kEagain && !hasExited)) return;
      isOver = true;
      native.pollClose(fd);
      resolve(received > 0);
    };
    // Without a writer a fifo reads as ended, so nothing is read before the poll says that there is something.
    const started = native.poll(fd, kReadable, () => onEvent(false));
    if (started < 0) {
      // Left open on purpose: the init can write as long as there is a reader.
      reject(new Unfamiliar(`cannot watch exec.fifo: error ${-started}`));
      return;
    }
    // Where the exit can't be watched, the end of file still tells.
    init.exited.then(
      () => onEvent(true),
      () => {},
    );
  });
}
