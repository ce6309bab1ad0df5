import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where this user's runtime state lives. */
export function runDirectory(): string {
  if (process.geteuid?.() === 0) return '/run/dobby-runc';
  // Empty or relative it is as unset (XDG Base Directory Specification: all paths must be absolute).
  const { XDG_RUNTIME_DIR: given = '' } = process.env;
  const base = path.isAbsolute(given) ? given : path.join(tmpdir(), `run-${process.geteuid?.()}`);
  return path.join(base, 'dobby-runc');
}
