import { native } from '../native';
import { systemError } from '../system/errno';

/** A pipe for a child's output: our end does not block, the child's does. */
export function openPipe(): [readFd: number, writeFd: number] {
  const ends = new Int32Array(2);
  checked('pipe2', native.pipe(ends));
  return [ends[0] as number, ends[1] as number];
}

/** A pipe for a child's input: the same the other way round. */
export function openInputPipe(): [readFd: number, writeFd: number] {
  const ends = openPipe();
  native.nonblocking(ends[0], false);
  native.nonblocking(ends[1], true);
  return ends;
}

/** @throws a system error for -errno */
export function checked(call: string, result: number): number {
  if (result < 0) throw systemError(call, result);
  return result;
}

/** Runs a step that takes another descriptor over; closes this one when the step fails. */
export function closing<T>(fd: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    native.close(fd);
    throw error;
  }
}
