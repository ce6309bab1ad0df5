import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const made: string[] = [];

process.on('exit', () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** A new directory that is removed when this process exits. */
export function temporaryDirectory(purpose = 'test'): string {
  const directory = mkdtempSync(path.join(tmpdir(), `dobby-${purpose}-`));
  // A container in a user namespace gets at its files as another user.
  chmodSync(directory, 0o755);
  made.push(directory);
  return directory;
}
