import { checkTtySize, type TtySize } from '../console/pty';
import { argumentTypeError } from '../errors';
import { copyDescriptor, DescriptorList, type Fd } from '../process/descriptors';
import { ProcessStreams } from '../process/process-streams';
import { type IoOptions, openStdio } from '../process/stdio';
import { checkOptionNames } from '../system/option-names';

// The original's limit; the runtimes have none of their own.
const mostFiles = 128;

/** The descriptors of a process that is to be made: opened, or copied from the caller's, at the moment of the call. */
export class LaunchIo {
  readonly child = new DescriptorList();
  readonly streams: ProcessStreams;
  readonly tty: TtySize | true | null;
  readonly fileCount: number;

  constructor(o: IoOptions & { files?: readonly Fd[] }) {
    this.tty = ttyOption(o);
    const files = o.files ?? [];
    if (!Array.isArray(files)) throw argumentTypeError('files: must be an array of descriptors');
    if (files.length > mostFiles)
      throw argumentTypeError(`files: ${files.length} are more than ${mostFiles}`);
    this.fileCount = files.length;
    if (this.tty) {
      this.streams = new ProcessStreams();
      for (let fd = 0; fd < 3; fd++) this.child.add(-1);
    } else this.streams = openStdio(o, this.child);
    try {
      for (const [index, fd] of files.entries()) this.child.add(copyDescriptor(fd, `files[${index}]`));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.child.close();
    this.streams.close();
  }
}

function ttyOption({ tty, stdin, stdout, stderr }: IoOptions): TtySize | true | null {
  if (tty === undefined || tty === false) return null;
  if (stdin !== undefined || stdout !== undefined || stderr !== undefined)
    throw argumentTypeError(
      'tty: has stdin, stdout and stderr in one; leave those out',
      'ERR_INVALID_ARG_VALUE',
    );
  if (tty === true) return true;
  if (typeof tty !== 'object' || tty === null) throw argumentTypeError('tty: must be true or { cols, rows }');
  checkOptionNames('tty', tty, ['cols', 'rows']);
  checkTtySize(tty);
  return tty;
}
