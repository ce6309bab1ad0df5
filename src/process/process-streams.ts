import type { Readable, Writable } from 'node:stream';
import type { FdStream } from './fd-stream';
import type { OutputBuffer } from './output-buffer';
import { kTimedOut, OutputError } from './output-error';
import type { Pump } from './pump';

/** Our ends of a process's standard streams. */
export class ProcessStreams {
  stdin: Writable | null = null;
  stdout: Readable | null = null;
  stderr: Readable | null = null;
  /** Called, also after the exit, with what could not be written to a file or descriptor. */
  onOutputError: ((error: OutputError) => void) | null = null;
  readonly #drains: Array<() => Promise<void>> = [];
  readonly #closes: Array<() => void> = [];
  readonly #kept = new Map<'stdout' | 'stderr', FdStream>();

  /** Resolves when all that the process wrote is readable here, or in the file or buffer it goes to. */
  async drain(): Promise<void> {
    await Promise.all(this.#drains.map((drain) => drain()));
  }

  /** Gives up: the process was never started. */
  close(): void {
    this.onOutputError = null;
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

  /** A pump to a file or descriptor; what it could not write is told. */
  ownPump(pump: Pump, name: 'stdout' | 'stderr', file: string | null): void {
    const drain = async (): Promise<void> => {
      if (!(await pump.drain())) this.onOutputError?.(new OutputError(name, file, kTimedOut, 0));
    };
    void pump.ended.then(({ dropped, errno }) => {
      if (dropped > 0 || errno !== 0) this.onOutputError?.(new OutputError(name, file, errno, dropped));
    });
    this.own(drain, () => pump.cut());
  }

  /** A stream or pump of ours, with what is to be done at the exit and at giving up. */
  own(drain: () => Promise<void>, close: () => void): void {
    this.#drains.push(drain);
    this.#closes.push(close);
  }
}
