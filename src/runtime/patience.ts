import { RuntimeError } from '../errors';

/**
 * Waits for work that goes on by itself; rejects when the caller's patience ends first. A failure of the work
 * after that is nobody's business any more.
 */
export async function withPatience<T>(
  work: Promise<T>,
  op: string,
  containerId: string,
  { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs?: number },
): Promise<T> {
  if (signal === undefined && timeoutMs === undefined) return work;
  const start = performance.now();
  let cancel: (() => void) | undefined;
  const impatience = new Promise<never>((_resolve, reject) => {
    const fail = (code: 'ERR_ABORTED' | 'ERR_TIMEOUT', what: string): void => {
      const durationMs = performance.now() - start;
      const cause = code === 'ERR_ABORTED' ? signal?.reason : undefined;
      reject(new RuntimeError(code, `${op} ${containerId}: ${what}`, { op, containerId, durationMs, cause }));
    };
    const onAbort = (): void => fail('ERR_ABORTED', 'aborted');
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => fail('ERR_TIMEOUT', `not done within ${timeoutMs} ms`), timeoutMs);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    cancel = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, impatience]);
  } finally {
    cancel?.();
  }
}

/** Before anything is done: a call that is already aborted does nothing. */
export function throwIfImpatient(
  op: string,
  containerId: string,
  { signal }: { signal?: AbortSignal },
): void {
  if (signal?.aborted !== true) return;
  const fields = { op, containerId, cause: signal.reason as unknown };
  throw new RuntimeError('ERR_ABORTED', `${op} ${containerId}: aborted`, fields);
}
