import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './temporary';

/** Debian's busybox-static, or what the scripts found in its place. */
export const busybox = process.env.DOBBY_BUSYBOX ?? '/bin/busybox';

/** Makes a container's root file system at `directory`: busybox with all its commands in /bin. */
export function makeRootfs(directory: string): string {
  if (!existsSync(busybox)) throw new Error(`${busybox} is missing: 'npm test' installs it (busybox-static)`);
  for (const name of ['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp']) {
    mkdirSync(path.join(directory, name), { recursive: true });
  }
  chmodSync(path.join(directory, 'tmp'), 0o1777);
  copyFileSync(busybox, path.join(directory, 'bin/busybox'));
  chmodSync(path.join(directory, 'bin/busybox'), 0o755);
  for (const command of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (command !== 'busybox') symlinkSync('busybox', path.join(directory, 'bin', command));
  }
  return directory;
}

let shared: string | undefined;

/** One root file system per process, removed when it exits: for containers that leave it as it is. */
export function sharedRootfs(): string {
  shared ??= makeRootfs(path.join(temporaryDirectory('rootfs'), 'rootfs'));
  return shared;
}
