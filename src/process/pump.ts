import { AsyncResource } from 'node:async_hooks';
import { native, PumpEvent } from '../native';
import { systemError } from '../system/errno';

/** What a pump has done so far. */
interface PumpListener {
  onData(written: number): void;
  onEnd(written: number, dropped: number, errno: number): void;
}

const listeners = new Map<number, PumpListener>();
let nextToken = 1;
let isOpen = false;

/** Output copied by the pump thread of this environment, without JavaScript. It calls back in the async context of its making. */
export class Pump extends AsyncResource {
  readonly ended: Promise<{ written: number; dropped: number; errno: number }>;
  onData: ((written: number) => void) | null = null;
  readonly #token = nextToken++;
  #isOver = false;

  /** Takes over source and target, also when it throws. rotate: keep `keep` old files of `path`. */
  constructor(
    source: number,
    target: number,
    maxBytes: number,
    rotate: { path: string; keep: number } | null,
  ) {
    super('DobbyRuncPump');
    let settle: (end: { written: number; dropped: number; errno: number }) => void = () => {};
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
      onEnd: (written, dropped, errno) => {
        this.#isOver = true;
        settle({ written, dropped, errno });
      },
    });
  }

  /** onData is called once the target holds more than `seen` bytes. */
  notify(seen: number): void {
    if (!this.#isOver) native.pumpNotify(this.#token, seen);
  }

  /** Copies what is there now and ends. */
  async finish(): Promise<void> {
    if (!this.#isOver) native.pumpFinish(this.#token);
    await this.ended;
  }
}

function open(): number {
  if (isOpen) return 0;
  const result = native.openPump((token, event, written, dropped, error) => {
    const listener = listeners.get(token);
    if (event === PumpEvent.Data) {
      listener?.onData(written);
      return;
    }
    listeners.delete(token);
    listener?.onEnd(written, dropped, error);
  });
  if (result < 0) return result;
  isOpen = true;
  return 0;
}
