import fs from 'node:fs';
import path from 'node:path';
import type { Rootfs } from './differential/bundle';

/** Where a machine's /bin/sh, cat and sleep are, with all they need. */
const kPrograms = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'usr', 'nix', 'etc'];

/** A root file system of the machine's own programs: mounted read-only, so that nothing has to be brought along. */
export function hostRootfs(directory: string): Rootfs {
  const mounts: object[] = [];
  fs.mkdirSync(directory, { recursive: true });
  for (const name of [...kPrograms, 'proc', 'dev', 'log', 'tmp']) {
    const source = `/${name}`;
    const target = path.join(directory, name);
    const stat = fs.lstatSync(source, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) {
      fs.symlinkSync(fs.readlinkSync(source), target);
      continue;
    }
    const isMounted = kPrograms.includes(name);
    if (isMounted && !stat?.isDirectory()) continue;
    fs.mkdirSync(target, { recursive: true });
    if (isMounted) mounts.push({ destination: source, type: 'bind', source, options: ['rbind', 'ro'] });
  }
  return { path: directory, mounts };
}
