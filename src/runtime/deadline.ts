import { argumentTypeError, RuntimeError } from '../errors';
import { type CallOptions, checkMs } from './options';

/** Why a call must end now. */
export type StopReason = 'ERR_ABORTED' | 'ERR_TIMEOUT';

/** One call's AbortSignal and time limit. Every wait of the call ends when it stops; dispose() ends the watch. */
export class Deadline {
  stopped: StopReason | null = null;
  readonly #op: string;
  readonly #id: string | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #timeoutMs: number | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #startedAt = performance.now();
  /** Made when the first one comes: most calls are over before anybody has to wait. */
  #listeners: Set<() => void> | null = null;

  constructor(op: string, id: string | undefined, { signal, timeoutMs }: CallOptions) {
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw argumentTypeError('signal: must be an AbortSignal');
    if (timeoutMs !== undefined) checkMs('timeoutMs', timeoutMs);
    this.#op = op;
    this.#id = id;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
    if (signal?.aborted) this.stopped = 'ERR_ABORTED';
    else signal?.addEventListener('abort', this.#onAbort);
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#stop('ERR_TIMEOUT'), timeoutMs);
  }

  /** Calls back when the call must end; at once when it must already. Returns what cancels that. */
  onStop(listener: () => void): () => void {
    if (this.stopped) {
      listener();
      return () => {};
    }
    this.#listeners ??= new Set();
    const listeners = this.#listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  throwIfStopped(): void {
    if (this.stopped) throw this.error();
  }

  /** What is left of this call, as the options of a step of it. */
  rest(): CallOptions {
    const signal = this.#signal;
    const timeoutMs =
      this.#timeoutMs === undefined ? undefined : Math.max(1, this.#timeoutMs - this.elapsedMs());
    return { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  }

  /** Waits for a promise, but not past the deadline. */
  async race<T>(promise: Promise<T>): Promise<T> {
    this.throwIfStopped();
    if (this.#signal === undefined && this.#timeoutMs === undefined) return promise;
    let cancel = (): void => {};
    const stop = new Promise<never>((_, reject) => {
      cancel = this.onStop(() => {
        reject(this.error());
      });
    });
    try {
      return await Promise.race([promise, stop]);
    } finally {
      cancel();
    }
  }

  elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** The failure to reject with; facts that only the operation knows are added by it. */
  error(
    fields: { argv?: readonly string[]; cleanedUp?: boolean; stderr?: string; log?: string } = {},
  ): RuntimeError {
    const code = this.stopped ?? 'ERR_ABORTED';
    const why = code === 'ERR_TIMEOUT' ? `not done after ${this.#timeoutMs} ms` : 'aborted by its signal';
    return new RuntimeError(code, `${this.#op}${this.#id === undefined ? '' : ` ${this.#id}`}: ${why}`, {
      op: this.#op,
      ...(this.#id === undefined ? {} : { containerId: this.#id }),
      durationMs: this.elapsedMs(),
      cause: code === 'ERR_ABORTED' ? this.#signal?.reason : undefined,
      ...fields,
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#listeners?.clear();
  }

  readonly #onAbort = (): void => {
    this.#stop('ERR_ABORTED');
  };

  #stop(reason: StopReason): void {
    if (this.stopped) return;
    this.stopped = reason;
    clearTimeout(this.#timer);
    for (const listener of [...(this.#listeners ?? [])]) listener();
    this.#listeners?.clear();
  }
}
