import fs from 'node:fs';
import { native } from '../native';
import { kEopnotsupp } from '../system/errno';
import { copyDescriptor, descriptorNumber, type Fd } from './descriptors';
import { checked, closing, openInputPipe, openPipe } from './pipe';
import type { ProcessStreams } from './process-streams';
import { Pump } from './pump';

// A program takes EAGAIN from its standard streams for a failure, and whether a descriptor blocks is a property of what
// it is open on, which the caller shares. What is non-blocking is opened anew for the program where the kernel can
// (blockingCopy); where not (Node's standard streams are sockets if Node made them), it gets a pipe, and we copy.

/** The caller's descriptor as a program's standard input. */
export function inputCopy(fd: Fd, streams: ProcessStreams): number {
  const number = descriptorNumber(fd, 'stdin');
  if (!needsRelay(number)) return copyDescriptor(fd, 'stdin');
  const [readFd, writeFd] = openInputPipe();
  const pump = closing(readFd, () => {
    const source = closing(writeFd, () => checked('dup', native.duplicate(number)));
    return new Pump(source, writeFd, 0, null);
  });
  const cut = (): void => pump.cut();
  // A process that has exited reads no more.
  streams.own(async () => cut(), cut);
  return readFd;
}

/** The program's ends of relays, by the socket that each leads to: two streams of one program keep their order. */
export type Relays = Map<number, number>;

/** The caller's descriptor as a program's standard output or error. */
export function outputCopy(
  fd: Fd,
  name: 'stdout' | 'stderr',
  streams: ProcessStreams,
  relays: Relays,
): number {
  const number = descriptorNumber(fd, name);
  if (!needsRelay(number)) return copyDescriptor(fd, name);
  const { ino } = fs.fstatSync(number);
  const known = relays.get(ino);
  if (known !== undefined) return checked('dup', native.duplicate(known));
  const [readFd, writeFd] = openPipe();
  const pump = closing(writeFd, () => {
    const target = closing(readFd, () => checked('dup', native.duplicate(number)));
    return new Pump(readFd, target, 0, null);
  });
  relays.set(ino, writeFd);
  streams.ownPump(pump, name, null);
  return writeFd;
}

function needsRelay(number: number): boolean {
  const copy = native.blockingCopy(number);
  if (copy >= 0) native.close(copy);
  return copy === kEopnotsupp;
}
