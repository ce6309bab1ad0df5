import { AsyncResource } from 'node:async_hooks';
import { Duplex, type DuplexOptions } from 'node:stream';
import { native } from '../native';
import { kEagain, kEintr, kEio, systemError } from '../system/errno';
import { surface } from '../system/tell';

const readable = 1;
const writable = 2;
const chunkBytes = 64 * 1024;
const leastBytes = 32 * 1024;
// What is read into next, by whichever stream: an idle stream holds no memory. Slices of it are given away.
let slab = Buffer.alloc(0);
// What onread() reads into, whichever stream it is.
const keptBytes = 64 * 1024;
let kept: Buffer | null = null;
const readsPerWake = 16;
// The largest pipe a container can have made of ours (fs.pipe-max-size, 1 MiB by default).
const pipeBytes = 1024 * 1024;
const eof = 0;
// The tty layer hands output over in a kernel worker: silence this long after an exit means there is no more.
const ptyQuietMs = 25;

type Written = (error?: Error | null) => void;

/**
 * Our end of a pipe, or a pty master, as a stream. Not a libuv stream: those lose the tail of a pty, and cannot say
 * 'everything the process wrote before it exited has been read', which drain() does. Its events come in the async context
 * in which it was made, callbacks of write() and end() in that of their call, as those of net.Socket do.
 */
export class FdStream extends Duplex {
  readonly #isPty: boolean;
  readonly #context = new AsyncResource('DobbyRuncStream');
  #fd: number;
  #wanted = 0;
  #atEnd: boolean;
  #pending: { bytes: Uint8Array; done: Written } | null = null;
  #onEnd: (() => void) | null = null;
  #onRead: ((byteCount: number, buffer: Buffer) => void) | null = null;
  #onData: (() => void) | null = null;

  /** Takes over fd (non-blocking), also when it throws. */
  constructor(fd: number, use: { readable?: boolean; writable?: boolean }) {
    // readable and writable are documented options of Duplex that its types leave out.
    const options: DuplexOptions & { readable: boolean; writable: boolean } = {
      readable: use.readable === true,
      writable: use.writable === true,
      allowHalfOpen: false,
      readableHighWaterMark: 4 * chunkBytes,
    };
    super(options);
    this.#isPty = use.readable === true && use.writable === true;
    this.#atEnd = use.readable !== true;
    this.#fd = fd;
    const result = native.poll(fd, 0, (events) => {
      this.#context.runInAsyncScope(() => this.#onReady(events));
    });
    if (result < 0) {
      native.close(fd);
      this.#fd = -1;
      throw systemError('poll', result);
    }
    // A write to a process that is gone is told to the writer's callback; it must not end the program.
    if (use.writable) this.on('error', () => {});
  }

  /** The descriptor, for ioctls; -1 once closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Keeps the event loop alive while the stream is open (the default while it is being read). */
  ref(): this {
    if (this.#fd >= 0) native.pollRef(this.#fd, true);
    return this;
  }

  unref(): this {
    if (this.#fd >= 0) native.pollRef(this.#fd, false);
    return this;
  }

  /**
   * Instead of 'data': every read goes to one buffer that is kept and used again, as with the option `onread` of
   * net.Socket, so nothing is allocated and nothing copied. The bytes are valid only during the call. 'end' comes as
   * usual.
   */
  onread(callback: (byteCount: number, buffer: Buffer) => void): this {
    this.#onRead = callback;
    return this.resume();
  }

  /**
   * Reads what is there now, however full the buffer is: to be called when the process has exited, so that all it
   * wrote is readable before its exit is told. What others write to the same pipe later still arrives as usual.
   */
  async drain(): Promise<void> {
    if (this.#atEnd) return;
    let left = pipeBytes - this.#context.runInAsyncScope(() => this.#readUpTo(pipeBytes));
    if (!this.#isPty || this.#atEnd) return;
    this.#want(this.#wanted | readable);
    while (!this.#atEnd && (await this.#moreWithin(ptyQuietMs)) && left > 0) left -= chunkBytes;
  }

  #readUpTo(most: number): number {
    let total = 0;
    while (total < most) {
      const count = this.#readOnce();
      if (count > 0) total += count;
      else if (count !== kEintr) break;
    }
    return total;
  }

  override write(chunk: unknown, done?: Written): boolean;
  override write(chunk: unknown, encoding: BufferEncoding, done?: Written): boolean;
  override write(chunk: unknown, encoding?: BufferEncoding | Written, done?: Written): boolean {
    if (typeof encoding === 'function') return super.write(chunk, AsyncResource.bind(encoding));
    return super.write(chunk, encoding as BufferEncoding, done && AsyncResource.bind(done));
  }

  override end(done?: () => void): this;
  override end(chunk: unknown, done?: () => void): this;
  override end(chunk: unknown, encoding: BufferEncoding, done?: () => void): this;
  override end(...given: unknown[]): this {
    const bound = given.map((each) =>
      typeof each === 'function' ? AsyncResource.bind(each as Written) : each,
    );
    return super.end(...(bound as [unknown, BufferEncoding, () => void]));
  }

  override _read(): void {
    this.#want(this.#wanted | readable);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Written): void {
    this.#pending = { bytes: chunk, done };
    this.#writeOn();
  }

  override _final(done: Written): void {
    if (this.#isPty) {
      this.#sendEndOfFile(done);
      return;
    }
    this.#close();
    done();
  }

  /** Input ends for a terminal's reader by a character, where it reads lines; a program that reads bytes gets none. */
  #sendEndOfFile(done: Written): void {
    const character = this.#fd < 0 ? 0 : native.endOfFileCharacter(this.#fd);
    if (character <= 0) done();
    // What has hung up by now needs none.
    else this._write(Buffer.of(character), 'latin1', () => done());
  }

  override _destroy(error: Error | null, done: Written): void {
    this.#close();
    done(error);
  }

  #onReady(events: number): void {
    if (events < 0) {
      this.destroy(systemError('poll', events));
      return;
    }
    if (events & writable) this.#writeOn();
    if (events & readable) this.#readOn();
  }

  #readOn(): void {
    for (let turn = 0; turn < readsPerWake && this.#fd >= 0; turn++) {
      const count = this.#readOnce();
      // A short read has emptied the pipe: let the writer fill it rather than fetch every few bytes.
      if (count < leastBytes && count !== kEintr) return;
      if (!(this.#wanted & readable)) return;
    }
  }

  /** One read(2) into the buffer of the stream; what it returned, or 0 at the end (which is then closed). */
  #readOnce(): number {
    if (this.#fd < 0) return eof;
    if (this.#onRead && this.readableLength === 0) return this.#readKept(this.#onRead);
    if (slab.length < leastBytes) slab = Buffer.allocUnsafeSlow(chunkBytes);
    const count = native.read(this.#fd, slab, 0, Math.min(slab.length, chunkBytes));
    if (count > 0) {
      const bytes = slab.subarray(0, count);
      slab = slab.subarray(count);
      surface(() => {
        if (!this.push(bytes)) this.#want(this.#wanted & ~readable);
      });
      this.#onData?.();
      return count;
    }
    return this.#readNothing(count);
  }

  #readKept(onRead: (byteCount: number, buffer: Buffer) => void): number {
    kept ??= Buffer.allocUnsafeSlow(keptBytes);
    const count = native.read(this.#fd, kept, 0, kept.length);
    if (count <= 0) return this.#readNothing(count);
    const bytes = kept;
    surface(() => onRead(count, bytes));
    this.#onData?.();
    return count;
  }

  /** The end, nothing yet, or an error. */
  #readNothing(count: number): number {
    if (count === eof || count === kEio) {
      this.#end();
      return eof;
    }
    if (count !== kEagain && count !== kEintr) this.destroy(systemError('read', count));
    return count;
  }

  #end(): void {
    this.#atEnd = true;
    surface(() => void this.push(null));
    this.#close();
    this.#onEnd?.();
  }

  #moreWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (more: boolean): void => {
        clearTimeout(timer);
        this.#onData = null;
        this.#onEnd = null;
        resolve(more);
      };
      const timer = setTimeout(finish, ms, false);
      this.#onData = () => {
        finish(true);
      };
      this.#onEnd = () => {
        finish(false);
      };
    });
  }

  #writeOn(): void {
    const pending = this.#pending;
    if (!pending) return;
    let { bytes } = pending;
    while (bytes.length > 0) {
      const count = this.#fd < 0 ? -32 : native.write(this.#fd, bytes, 0, bytes.length); // EPIPE once closed
      if (count === kEintr) continue;
      if (count === kEagain) {
        pending.bytes = bytes;
        this.#want(this.#wanted | writable);
        return;
      }
      if (count < 0) {
        this.#written(systemError('write', count));
        return;
      }
      bytes = bytes.subarray(count);
    }
    this.#written(null);
  }

  #written(error: Error | null): void {
    const done = this.#pending?.done;
    this.#pending = null;
    this.#want(this.#wanted & ~writable);
    done?.(error);
  }

  #want(events: number): void {
    if (events === this.#wanted || this.#fd < 0) return;
    this.#wanted = events;
    native.pollSet(this.#fd, events);
  }

  #close(): void {
    if (this.#fd < 0) return;
    native.pollClose(this.#fd);
    this.#fd = -1;
    this.#writeOn(); // a write that waited is told EPIPE
  }
}
