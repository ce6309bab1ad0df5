import fs from 'node:fs';
import { argumentRangeError, argumentTypeError } from '../errors';
import { native } from '../native';
import { checked, closing, openPipe } from './pipe';
import type { ProcessStreams } from './process-streams';
import { Pump } from './pump';

/** Output to a file: appended to or (the default) started anew; with maxBytes a regular file is rotated. */
export interface FileTarget {
  file: string;
  append?: boolean;
  maxBytes?: number;
  keep?: number;
}

const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_NONBLOCK, O_NOCTTY } = fs.constants;

/**
 * The descriptor for the program: of the file itself, or of a pipe whose other end a pump has. Nothing but a regular file
 * has a size, or can be rotated: a FIFO or a device is given to the program as it is.
 * @throws a system error; ENXIO: a FIFO that nobody has open for reading
 */
export function openFileTarget(
  target: FileTarget,
  name: 'stdout' | 'stderr',
  streams: ProcessStreams,
): number {
  checkFileTarget(target, name);
  const { file, append = false, maxBytes, keep = 1 } = target;
  // Always O_APPEND: several writers of one file must not overwrite each other. O_NONBLOCK for the opening alone, which
  // would wait for the reader of a FIFO.
  const flags = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | (append ? 0 : O_TRUNC);
  const opened = fs.openSync(file, flags, 0o666);
  const isRegular = fs.fstatSync(opened).isFile();
  const fileFd = native.duplicate(opened);
  fs.closeSync(opened);
  checked('dup', fileFd);
  native.nonblocking(fileFd, false);
  if (maxBytes === undefined || !isRegular) return fileFd;
  const [readFd, writeFd] = closing(fileFd, openPipe);
  const pump = closing(writeFd, () => new Pump(readFd, fileFd, maxBytes, { path: file, keep }));
  streams.ownPump(pump, name, file);
  return writeFd;
}

function checkFileTarget({ file, maxBytes, keep }: FileTarget, name: string): void {
  if (typeof file !== 'string' || file === '' || file.includes('\0'))
    throw argumentTypeError(`${name}.file: must be a path`, 'ERR_INVALID_ARG_VALUE');
  if (maxBytes !== undefined && !(Number.isInteger(maxBytes) && maxBytes > 0))
    throw argumentRangeError(`${name}.maxBytes: must be a whole number above 0, not ${maxBytes}`);
  if (keep !== undefined && !(Number.isInteger(keep) && keep >= 0 && keep <= 1000))
    throw argumentRangeError(`${name}.keep: must be a whole number from 0 to 1000, not ${keep}`);
}
