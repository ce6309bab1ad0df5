import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { argumentRangeError, argumentTypeError } from '../errors';
import { native } from '../native';
import { errnoName, kEopnotsupp, systemError } from '../system/errno';

/** A descriptor of the caller's: it stays the caller's, and stays open. */
export type Fd = number | FileHandle;

/**
 * A copy of a caller's descriptor, made at once, so that the caller may close its own as soon as the call returned. It
 * blocks where it can be made to without a change of the caller's (native/blocking_copy.h).
 * @throws TypeError ERR_INVALID_ARG_VALUE when it is not open; RangeError for a number that can't be a descriptor
 */
export function copyDescriptor(fd: Fd, what: string): number {
  const number = descriptorNumber(fd, what);
  const blocking = native.blockingCopy(number);
  const copy = blocking === kEopnotsupp ? native.duplicate(number) : blocking;
  if (copy < 0)
    throw argumentTypeError(
      `${what}: descriptor ${number} can't be copied: ${systemError('dup', copy).message}`,
      'ERR_INVALID_ARG_VALUE',
    );
  return copy;
}

/**
 * The number of a descriptor that is open.
 * @throws TypeError ERR_INVALID_ARG_VALUE when it is not; RangeError for a number that can't be a descriptor
 */
export function descriptorNumber(fd: Fd, what: string): number {
  const number = typeof fd === 'number' ? fd : fd?.fd;
  if (typeof number !== 'number')
    throw argumentTypeError(`${what}: must be a descriptor (a number or a FileHandle), not ${typeof fd}`);
  if (!Number.isInteger(number) || number < 0 || number > 0x7fffffff)
    throw argumentRangeError(`${what}: ${number} is not a descriptor`);
  if (!isOpen(number))
    throw argumentTypeError(`${what}: descriptor ${number} is not open`, 'ERR_INVALID_ARG_VALUE');
  return number;
}

function isOpen(number: number): boolean {
  try {
    fs.fstatSync(number);
    return true;
  } catch (error) {
    return errnoName(error) !== 'EBADF';
  }
}

/** Descriptors to be handed to a child: closed by whoever gives up before they are. */
export class DescriptorList {
  #fds: number[] = [];

  get length(): number {
    return this.#fds.length;
  }

  add(fd: number): void {
    this.#fds.push(fd);
  }

  /**
   * Adds a file that the child is to open by a path, and returns that path. Its own /proc/self, since it may not be
   * allowed to look into ours: a process that has changed its user, or whose program has capabilities, is not dumpable
   * (proc(5), PR_SET_DUMPABLE).
   */
  addByPath(fd: number): string {
    this.#fds.push(fd);
    return `/proc/self/fd/${this.#fds.length - 1}`;
  }

  set(index: number, fd: number): void {
    this.#fds[index] = fd;
  }

  /** Copies of them, for another try. @throws a system error, EMFILE above all */
  copies(): DescriptorList {
    const copies = new DescriptorList();
    for (const fd of this.#fds) {
      const copy = fd < 0 ? fd : native.duplicate(fd);
      if (fd >= 0 && copy < 0) {
        copies.close();
        throw systemError('dup', copy);
      }
      copies.add(copy);
    }
    return copies;
  }

  /** Hands the descriptors over. */
  take(): number[] {
    const fds = this.#fds;
    this.#fds = [];
    return fds;
  }

  close(): void {
    for (const fd of new Set(this.take())) if (fd >= 0) native.close(fd);
  }
}
