// What native functions return for a failed system call: -errno (Linux, asm-generic/errno-base.h).
export const kEnoent = -2;
export const kEsrch = -3;
export const kEintr = -4;
export const kEio = -5;
export const kEagain = -11;
export const kEnodev = -19;
export const kEnotdir = -20;
export const kEopnotsupp = -95;

/** An error for a failed system call: code is the errno's name. `result` is -errno. */
export function systemError(call: string, result: number): NodeJS.ErrnoException {
  const { getSystemErrorName } = require('node:util') as typeof import('node:util');
  const { getSystemErrorMessage } = require('node:util') as { getSystemErrorMessage?: (n: number) => string };
  const code = getSystemErrorName(result);
  return Object.assign(new Error(`${call}: ${getSystemErrorMessage?.(result) ?? code} (${code})`), {
    code,
    errno: result,
    syscall: call,
  });
}

/** A failed system call, as node:fs throws it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  // Not by instanceof: jest's modules have an Error of their own.
  return typeof error === 'object' && error !== null && 'code' in error && 'syscall' in error;
}

/** The name of the errno of a failed system call: 'ENOENT'. */
export function errnoName(error: unknown): string {
  return isSystemError(error) ? (error.code ?? '') : '';
}
