import { isSystemError } from './errno';

/**
 * An answer that was worked out without starting the runtime, or the reason why it could not be.
 * `done: false` means: use the command line. Nothing has been changed, except where destroy() says so.
 */
export type Direct<T> = { done: true; value: T } | { done: false; why: string };

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
