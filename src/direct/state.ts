/**
 * An answer that was worked out without starting the runtime, or the reason why it could not be.
 * `done: false` means: use the command line. Nothing has been changed, except where destroy() says so.
 */
export type Direct<T> = { done: true; value: T } | { done: false; why: string };

export type RuntimeStatus = 'created' | 'running' | 'paused' | 'stopped';

/** What `state` prints, field by field; which of the optional ones are there is the runtime's choice. */
export interface OciState {
  ociVersion: string;
  id: string;
  pid: number;
  status: RuntimeStatus;
  bundle: string;
  rootfs?: string;
  created?: string;
  'systemd-scope'?: string;
  owner?: string;
  annotations?: Record<string, string>;
}

/** One element of what `list --format json` prints. */
export type ListEntry = Omit<OciState, 'ociVersion' | 'systemd-scope'> & { ociVersion?: string };

/** Thrown inside this layer when something is not as the adapters know it: the command line takes over. */
export class Unfamiliar extends Error {
  override readonly name = 'Unfamiliar';
}

/** Runs a direct way; anything unfamiliar and any failed system call means the command line. */
export function attempt<T>(way: () => T): Direct<T> {
  try {
    return { done: true, value: way() };
  } catch (error) {
    return { done: false, why: reason(error) };
  }
}

/** Why a direct way was given up. What is neither Unfamiliar nor a failed system call is a bug of ours: thrown on. */
export function reason(error: unknown): string {
  if (error instanceof Unfamiliar) return error.message;
  if (!isSystemError(error)) throw error;
  return error.message;
}

/** A failed system call, as node:fs throws it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** The name of the errno of a failed system call: 'ENOENT'. */
export function errnoName(error: unknown): string {
  return isSystemError(error) ? (error.code ?? '') : '';
}

/**
 * Work on the loop in slices, so that nothing else waits longer than about kSliceMs: call pause() between two
 * steps; it returns a promise when the slice is used up.
 */
export class Slices {
  #start = performance.now();

  isUsedUp(): boolean {
    return performance.now() - this.#start > kSliceMs;
  }

  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#start = performance.now();
  }
}

/** Of the 0.2 ms that an operation may keep the loop: one more step follows the check. */
const kSliceMs = 0.13;
