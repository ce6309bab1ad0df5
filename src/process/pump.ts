import { AsyncResource } from 'node:async_hooks';
import { native, PumpEvent } from '../native';
import { systemError } from '../system/errno';

/** How a pump has ended: what could not be written is dropped; errno is of the first failure, or 0. */
export interface PumpEnd {
  written: number;
  dropped: number;
  errno: number;
}

/** What a pump has done so far. */
interface PumpListener {
  onData(written: number): void;
  onDrained(): void;
  onEnd(end: PumpEnd): void;
}

// A target that has taken nothing for so long at the exit is not waited for any more.
const stallMs = 2000;

const listeners = new Map<number, PumpListener>();
let nextToken = 1;
let isOpen = false;

/**
 * Output copied by a thread of this environment, without JavaScript. What it calls back comes in the async context of its
 * making.
 */
export class Pump extends AsyncResource {
  readonly ended: Promise<PumpEnd>;
  onData: ((written: number) => void) | null = null;
  readonly #token = nextToken++;
  #isOver = false;
  #onSettled: (() => void) | null = null;

  /**
   * Takes over source and target, also when it throws. rotate: keep `keep` old files of `path`. With a target that is
   * non-blocking it is a relay (native/log_pump.h).
   */
  constructor(
    source: number,
    target: number,
    maxBytes: number,
    rotate: { path: string; keep: number } | null,
  ) {
    super('DobbyRuncPump');
    let settle: (end: PumpEnd) => void = () => {};
    this.ended = new Promise((resolve) => {
      settle = resolve;
    });
    const started =
      open() ||
      native.pumpStart(this.#token, source, target, maxBytes, rotate?.path ?? '', rotate?.keep ?? 0);
    if (started < 0) {
      native.close(source);
      native.close(target);
      throw systemError('pump', started);
    }
    listeners.set(this.#token, {
      onData: (written) => this.runInAsyncScope(() => this.onData?.(written)),
      onDrained: () => this.#onSettled?.(),
      onEnd: (end) => {
        this.#isOver = true;
        settle(end);
        this.#onSettled?.();
      },
    });
  }

  /** onData is called once the target holds more than `seen` bytes. */
  notify(seen: number): void {
    if (!this.#isOver) native.pumpNotify(this.#token, seen);
  }

  /** Copies what is there now and ends. For a memory target, which never stalls. */
  async finish(): Promise<void> {
    if (!this.#isOver) native.pumpFinish(this.#token);
    await this.ended;
  }

  /**
   * Copies what is there now, and ends unless it is a relay. Resolves with false when the target has taken nothing for
   * two seconds; the copying goes on all the same, and keeps the event loop alive.
   */
  async drain(): Promise<boolean> {
    if (this.#isOver) return true;
    return await new Promise<boolean>((resolve) => {
      const settle = (isDone: boolean): void => {
        clearTimeout(timer);
        this.onData = null;
        this.#onSettled = null;
        resolve(isDone);
      };
      const timer = setTimeout(settle, stallMs, false);
      this.#onSettled = () => settle(true);
      this.onData = (written) => {
        timer.refresh();
        this.notify(written);
      };
      native.pumpFinish(this.#token);
      this.notify(0);
    });
  }

  /** Ends now. */
  cut(): void {
    if (!this.#isOver) native.pumpCut(this.#token);
  }
}

function open(): number {
  if (isOpen) return 0;
  const result = native.openPump((token, event, written, dropped, errno) => {
    const listener = listeners.get(token);
    if (event === PumpEvent.Data) listener?.onData(written);
    else if (event === PumpEvent.Drained) listener?.onDrained();
    else {
      listeners.delete(token);
      listener?.onEnd({ written, dropped, errno });
    }
  });
  if (result < 0) return result;
  isOpen = true;
  return 0;
}
