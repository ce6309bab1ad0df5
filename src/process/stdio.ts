import fs from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { argumentRangeError, argumentTypeError } from '../errors';
import { native } from '../native';
import { systemError } from '../system/errno';
import { copyDescriptor, type DescriptorList, type Fd } from './descriptors';
import { FdStream } from './fd-stream';
import { keepable } from './kept-pipe';
import { OutputBuffer } from './output-buffer';
import { Pump } from './pump';

/**
 * Where output goes. 'pipe': a Readable. 'kept-pipe': the same, but a process whose reader was killed is not ended by
 * SIGPIPE; it waits when the pipe is full, and adopt() reads on. 'ignore': /dev/null. 'inherit': this process's own. 'buffer': kept in
 * memory (1 MiB at most), readable while and after the process runs. A descriptor. A file: appended to or (the
 * default) started anew; with maxBytes it is rotated to file.1 … file.<keep> (keep: 1 when not given).
 */
export type StdioTarget =
  | 'pipe'
  | 'kept-pipe'
  | 'ignore'
  | 'inherit'
  | 'buffer'
  | Fd
  | { file: string; append?: boolean; maxBytes?: number; keep?: number };

/** Where a process's standard streams come from and go to; 'ignore' when not given. */
export interface IoOptions {
  stdin?: 'pipe' | 'ignore' | Fd;
  stdout?: StdioTarget;
  stderr?: StdioTarget;
  /** A terminal instead of the three: `process.terminal` of the bundle must be true. Sizes in characters. */
  tty?: boolean | { cols: number; rows: number };
}

/** Our ends of a process's standard streams. */
export class ProcessStreams {
  stdin: Writable | null = null;
  stdout: Readable | null = null;
  stderr: Readable | null = null;
  readonly #drains: Array<() => Promise<void>> = [];
  readonly #closes: Array<() => void> = [];
  readonly #kept = new Map<'stdout' | 'stderr', FdStream>();

  /** Resolves when all that the process wrote is readable here, or in the file or buffer it goes to. */
  async drain(): Promise<void> {
    await Promise.all(this.#drains.map((drain) => drain()));
  }

  /** Gives up: the process was never started. */
  close(): void {
    for (const close of this.#closes) close();
  }

  /** An output stream of ours. */
  read(name: 'stdout' | 'stderr', stream: FdStream | OutputBuffer): void {
    this[name] = stream;
    this.own(
      () => stream.drain(),
      () => stream.destroy(),
    );
  }

  /** The same for a kept pipe: what is in it stays there, for a successor, until the exit has been told. */
  readKept(name: 'stdout' | 'stderr', stream: FdStream): void {
    this[name] = stream;
    this.#kept.set(name, stream);
    this.#closes.push(() => stream.destroy());
  }

  /** Our end of a kept pipe; -1 when the stream is none, or is closed. */
  keptFd(name: 'stdout' | 'stderr'): number {
    return this.#kept.get(name)?.fd ?? -1;
  }

  /** For after the exit has been told: a stream that nobody reads would keep its descriptor otherwise. */
  releaseKept(): void {
    for (const stream of this.#kept.values()) void stream.drain();
  }

  /** A stream or pump of ours, with what is to be done at the exit and at giving up. */
  own(drain: () => Promise<void>, close: () => void): void {
    this.#drains.push(drain);
    this.#closes.push(close);
  }
}

type FileTarget = Extract<StdioTarget, { file: string }>;

/** Opens what the options ask for: the child's descriptors 0 to 2 into `child`, our ends into the result. */
export function openStdio(options: IoOptions, child: DescriptorList): ProcessStreams {
  const streams = new ProcessStreams();
  try {
    child.add(openStdin(options.stdin ?? 'ignore', streams));
    const stdout = options.stdout ?? 'ignore';
    const stderr = options.stderr ?? 'ignore';
    const out = openOutput(stdout, 1, 'stdout', streams);
    child.add(out);
    // Two rotations of one file would fight: both streams go through the one pump.
    child.add(
      isSameRotatedFile(stdout, stderr)
        ? checked('dup', native.duplicate(out))
        : openOutput(stderr, 2, 'stderr', streams),
    );
    return streams;
  } catch (error) {
    child.close();
    streams.close();
    throw error;
  }
}

function openStdin(source: IoOptions['stdin'], streams: ProcessStreams): number {
  if (source === 'ignore' || source === undefined) return -1;
  if (source !== 'pipe') return copyDescriptor(source, 'stdin');
  const [readFd, writeFd] = openPipe();
  native.nonblocking(readFd, false);
  native.nonblocking(writeFd, true);
  const stream = closing(readFd, () => new FdStream(writeFd, { writable: true }));
  streams.stdin = stream;
  // A process that has exited reads no more.
  streams.own(
    async () => {
      stream.destroy();
    },
    () => stream.destroy(),
  );
  return readFd;
}

function openOutput(
  target: StdioTarget,
  own: 1 | 2,
  name: 'stdout' | 'stderr',
  streams: ProcessStreams,
): number {
  if (target === 'ignore') return -1;
  if (target === 'inherit') return copyDescriptor(own, name);
  if (target === 'pipe' || target === 'kept-pipe' || target === 'buffer') {
    const [readFd, pipeFd] = openPipe();
    const writeFd = target === 'kept-pipe' ? closing(readFd, () => keepable(pipeFd)) : pipeFd;
    closing(writeFd, () => {
      if (target === 'buffer') streams.read(name, new OutputBuffer(readFd));
      else if (target === 'pipe') streams.read(name, new FdStream(readFd, { readable: true }));
      else streams.readKept(name, new FdStream(readFd, { readable: true }));
    });
    return writeFd;
  }
  if (typeof target === 'object' && target !== null && 'file' in target)
    return openFile(target, name, streams);
  if (typeof target === 'string')
    throw argumentTypeError(
      `${name}: '${String(target)}' is not 'pipe', 'kept-pipe', 'ignore', 'inherit', 'buffer', a descriptor or { file }`,
      'ERR_INVALID_ARG_VALUE',
    );
  return copyDescriptor(target, name);
}

function openFile(target: FileTarget, name: string, streams: ProcessStreams): number {
  const { file, append = false, maxBytes, keep = 1 } = target;
  checkFileTarget(target, name);
  // Always O_APPEND: several writers of one file must not overwrite each other.
  const flags = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND;
  const opened = fs.openSync(file, flags | (append ? 0 : fs.constants.O_TRUNC), 0o666);
  const fileFd = native.duplicate(opened);
  fs.closeSync(opened);
  checked('dup', fileFd);
  if (maxBytes === undefined) return fileFd;
  const [readFd, writeFd] = closing(fileFd, openPipe);
  const pump = closing(writeFd, () => new Pump(readFd, fileFd, maxBytes, { path: file, keep }));
  streams.own(
    () => pump.finish(),
    () => void pump.finish(),
  );
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

function isSameRotatedFile(a: StdioTarget, b: StdioTarget): boolean {
  return (
    typeof a === 'object' &&
    typeof b === 'object' &&
    'file' in a &&
    'file' in b &&
    a.file === b.file &&
    a.maxBytes !== undefined
  );
}

function openPipe(): [readFd: number, writeFd: number] {
  const ends = new Int32Array(2);
  checked('pipe2', native.pipe(ends));
  return [ends[0] as number, ends[1] as number];
}

function checked(call: string, result: number): number {
  if (result < 0) throw systemError(call, result);
  return result;
}

/** Runs a step that takes another descriptor over; closes this one when the step fails. */
function closing<T>(fd: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    native.close(fd);
    throw error;
  }
}
