import { RuntimeError } from '../errors';

/**
 * What an operation rejects with when a system call of ours has failed on its way: a RuntimeError with that as its
 * cause. Everything else is handed on as it is.
 */
export function operationError(error: unknown, op: string, containerId?: string): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (!(error instanceof Error) || typeof code !== 'string' || !/^E(?!RR_)[A-Z0-9]+$/.test(code))
    return error;
  const isPermission = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  return new RuntimeError(
    isPermission ? 'ERR_PERMISSION' : 'ERR_SPAWN',
    `${op}${containerId === undefined ? '' : ` ${containerId}`}: ${error.message}`,
    { op, ...(containerId === undefined ? {} : { containerId }), cause: error },
  );
}

/** A runtime that exits with 0 and has not done it. */
export function notDone(op: string, containerId: string): RuntimeError {
  const message = `${op} ${containerId}: the runtime says that it has done it, and it has not`;
  return new RuntimeError('ERR_RUNTIME_FAILED', message, { op, containerId, exitCode: 0 });
}
