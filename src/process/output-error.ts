import { getSystemErrorName } from 'node:util';

// errno values (Linux, asm-generic/errno.h).
export const kTimedOut = 110;
const kCanceled = 125;

/** What has become of output that could not be written to where it was to go. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
  /** The name of the errno of the first failure; ETIMEDOUT: the target took nothing for two seconds after the exit. */
  readonly code: string;
  readonly stream: 'stdout' | 'stderr';
  /** The file that it was to go to; null: a descriptor. */
  readonly file: string | null;
  /** How many bytes are lost; with ETIMEDOUT none yet: what is left is written when the target takes it again. */
  readonly droppedBytes: number;

  constructor(stream: 'stdout' | 'stderr', file: string | null, errno: number, droppedBytes: number) {
    const code = getSystemErrorName(-(errno || kCanceled));
    const what = droppedBytes > 0 ? `${droppedBytes} bytes were not written` : 'not all was written in time';
    super(`${stream} to ${file ?? 'a descriptor'}: ${what}: ${code}`);
    this.code = code;
    this.stream = stream;
    this.file = file;
    this.droppedBytes = droppedBytes;
  }
}
