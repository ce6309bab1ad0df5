import { Readable } from 'node:stream';
import { native } from '../native';
import { systemError } from '../system/errno';
import { surface } from '../system/tell';
import { Pump } from './pump';

/** The size of a 'buffer' target: what comes after is dropped and counted. */
export const outputBufferBytes = 1024 * 1024;

const readBytes = 64 * 1024;

/**
 * Output kept in a memfd (bytes 0 to outputBufferBytes): as a stream it gives everything from the start and goes on
 * until the process has exited; contents() is what there is now, and works also after the container is gone.
 */
export class OutputBuffer extends Readable {
  readonly #pump: Pump;
  #memfd: number;
  #contents: Buffer | null = null;
  #position = 0;
  #isWaiting = false;
  #droppedBytes = 0;

  /** Takes over source (the read end of a pipe), also when it throws. */
  constructor(source: number) {
    super();
    this.#memfd = native.memfd('dobby-runc-output', 0);
    if (this.#memfd < 0) {
      native.close(source);
      throw systemError('memfd_create', this.#memfd);
    }
    const target = native.duplicate(this.#memfd);
    try {
      this.#pump = new Pump(source, target, outputBufferBytes, null);
    } catch (error) {
      native.close(this.#memfd);
      throw error;
    }
    this.#pump.onData = () => {
      this.#onMore();
    };
    void this.#pump.ended.then(({ dropped }) => {
      this.#droppedBytes = dropped;
      this.#contents = this.#snapshot();
      native.close(this.#memfd);
      this.#memfd = -1;
      this.#onMore();
    });
  }

  /** What has been written so far: a copy. */
  contents(): Buffer {
    return Buffer.from(this.#contents ?? this.#snapshot());
  }

  /** How many bytes came after the buffer was full; known when the process has exited. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  async drain(): Promise<void> {
    await this.#pump.finish();
  }

  override _read(): void {
    const bytes = this.#readAt(this.#position, readBytes);
    if (bytes.length > 0) {
      this.#position += bytes.length;
      surface(() => void this.push(bytes));
    } else if (this.#contents) {
      this.push(null);
    } else {
      this.#isWaiting = true;
      this.#pump.notify(this.#position);
    }
  }

  #onMore(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this._read();
  }

  #readAt(position: number, length: number): Buffer {
    if (this.#contents) return this.#contents.subarray(position, position + length);
    const buffer = Buffer.allocUnsafe(length);
    const count = native.readAt(this.#memfd, buffer, 0, length, position);
    return buffer.subarray(0, Math.max(0, count));
  }

  #snapshot(): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; ; ) {
      const part = this.#readAt(at, readBytes);
      if (part.length === 0) return Buffer.concat(parts);
      parts.push(part);
      at += part.length;
    }
  }
}
