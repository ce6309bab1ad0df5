import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where this user's runtime state lives. */
export function runDirectory(): string {
  if (process.geteuid?.() === 0) return '/run/dobby-runc';
  return path.join(
    process.env.XDG_RUNTIME_DIR ?? path.join(tmpdir(), `run-${process.geteuid?.()}`),
    'dobby-runc',
  );
}
