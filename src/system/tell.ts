import type { EventEmitter } from 'node:events';

/** Runs what belongs to the caller of ours: what it throws is an uncaught exception, and no business of who runs it. */
export function surface(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/**
 * emit() from where a listener's throw would fail something else (an operation, a promise that nobody sees): it is an
 * uncaught exception, as of any EventEmitter, and the listeners after it are told all the same.
 */
export function tell(emitter: Pick<EventEmitter, 'rawListeners'>, name: string, ...told: unknown[]): void {
  // The raw ones of once() remove themselves.
  for (const listener of emitter.rawListeners(name))
    surface(() => void Reflect.apply(listener, emitter, told));
}
