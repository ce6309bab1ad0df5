import { RuntimeError } from '../errors';
import type { Deadline } from './deadline';

// SIGKILL ends a process in milliseconds, unless it is in uninterruptible sleep, frozen by a parent's freezer
// (cgroup v1), or the init of a pid namespace in which somebody else's zombie waits to be reaped.
export const stuckMs = 5000;
/** How long a runtime may try to remove a container by force when the caller sets no limit. */
export const forcedDeleteMs = 15_000;

export function stuckError(op: string, containerId: string, pid: number): RuntimeError {
  return new RuntimeError(
    'ERR_STUCK',
    `${op} ${containerId}: its process ${pid} does not end on SIGKILL (docs/errors.md)`,
    { op, containerId, cleanedUp: false },
  );
}

/** Resolves with whether a promise settles within `ms`; rejects when the deadline comes before. */
export async function settlesWithin(
  promise: Promise<unknown>,
  ms: number,
  deadline?: Deadline,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    const outcome = Promise.race([promise.then(() => true), late]);
    return await (deadline === undefined ? outcome : deadline.race(outcome));
  } finally {
    clearTimeout(timer);
  }
}

const lookMs = 5;

/** Whether something comes to be so within `ms`; rejects when the deadline comes before. */
export async function within(ms: number, isSo: () => boolean, deadline?: Deadline): Promise<boolean> {
  for (const end = performance.now() + ms; ; ) {
    if (isSo()) return true;
    if (performance.now() >= end) return false;
    const look = new Promise((resolve) => setTimeout(resolve, lookMs));
    await (deadline === undefined ? look : deadline.race(look));
  }
}
