import { argumentTypeError } from '../errors';
import { native } from '../native';
import type { DescriptorList, Fd } from './descriptors';
import { FdStream } from './fd-stream';
import { type FileTarget, openFileTarget } from './file-target';
import { keepable } from './kept-pipe';
import { OutputBuffer } from './output-buffer';
import { checked, closing, openInputPipe, openPipe } from './pipe';
import { ProcessStreams } from './process-streams';
import { inputCopy, outputCopy, type Relays } from './relay';

/**
 * Where output goes. 'pipe': a Readable. 'kept-pipe': the same, but a process whose reader was killed is not ended by
 * SIGPIPE; it waits when the pipe is full, and adopt() reads on. 'ignore': /dev/null. 'inherit': this process's own. 'buffer': kept in
 * memory (1 MiB at most), readable while and after the process runs. A descriptor. A file: appended to or (the
 * default) started anew; with maxBytes it is rotated to file.1 … file.<keep> (keep: 1 when not given).
 */
export type StdioTarget = 'pipe' | 'kept-pipe' | 'ignore' | 'inherit' | 'buffer' | Fd | FileTarget;

/** Where a process's standard streams come from and go to; 'ignore' when not given. */
export interface IoOptions {
  /** Default 'ignore': /dev/null. */
  stdin?: 'pipe' | 'ignore' | Fd;
  /** Default 'ignore': /dev/null. */
  stdout?: StdioTarget;
  /** Default 'ignore': /dev/null. */
  stderr?: StdioTarget;
  /** A terminal instead of the three: `process.terminal` of the bundle must be true. Sizes in characters. */
  tty?: boolean | { cols: number; rows: number };
}

/** Opens what the options ask for: the child's descriptors 0 to 2 into `child`, our ends into the result. */
export function openStdio(options: IoOptions, child: DescriptorList): ProcessStreams {
  const streams = new ProcessStreams();
  try {
    child.add(openStdin(options.stdin ?? 'ignore', streams));
    const relays: Relays = new Map();
    const stdout = options.stdout ?? 'ignore';
    const stderr = options.stderr ?? 'ignore';
    const out = openOutput(stdout, 1, 'stdout', streams, relays);
    child.add(out);
    // Two rotations of one file would fight: both streams go through the one pump.
    child.add(
      isSameRotatedFile(stdout, stderr)
        ? checked('dup', native.duplicate(out))
        : openOutput(stderr, 2, 'stderr', streams, relays),
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
  if (source !== 'pipe') return inputCopy(source, streams);
  const [readFd, writeFd] = openInputPipe();
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
  relays: Relays,
): number {
  if (target === 'ignore') return -1;
  if (target === 'inherit') return outputCopy(own, name, streams, relays);
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
    return openFileTarget(target, name, streams);
  if (typeof target === 'string')
    throw argumentTypeError(
      `${name}: '${String(target)}' is not 'pipe', 'kept-pipe', 'ignore', 'inherit', 'buffer', a descriptor or { file }`,
      'ERR_INVALID_ARG_VALUE',
    );
  return outputCopy(target, name, streams, relays);
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
