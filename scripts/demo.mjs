// npm run demo [-- --runtime runc]: from a machine with Node and npm to a container's whole life.
// This part installs, builds and sees to the cgroups; scripts/demo.ts is the demonstration itself.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findStaticBusybox } from './lib/apt.mjs';
import { capture, isRoot, passThrough, repositoryRoot, runMain, Stop, say, searchPath } from './lib/run.mjs';
import { setUp } from './setup.mjs';

const cgroupEnv = path.join(repositoryRoot, 'scripts/cgroup-env');

/** The words to put before the command, so that the runtime can make containers on this machine. */
function inSuitableCgroups() {
  switch (capture(cgroupEnv, ['--check']).trim()) {
    case 'hybrid':
      say(
        "This machine's cgroups are hybrid (v2 beside v1), which crun refuses ('cgroups in hybrid mode not",
      );
      say(
        "supported'). The demo runs in a private mount namespace that shows cgroup v1 only; nothing outside",
      );
      say('of it changes. docs/cgroups.md has more.\n');
      return [cgroupEnv, '--own-tree', 'v1'];
    case 'none':
      throw new Stop(
        'No cgroup file system is mounted on /sys/fs/cgroup, and containers need one (docs/cgroups.md)',
      );
    default:
      return [];
  }
}

runMain(async () => {
  const { values } = parseArgs({ options: { runtime: { type: 'string', default: 'crun' } } });
  if (!isRoot) {
    throw new Stop(
      'The demo makes containers, mounts and cgroups, which only root can: sudo npm run demo\n' +
        'Without root, npm test still runs the tests that need no container.',
    );
  }
  await setUp('demo', { extra: values.runtime === 'runc' ? ['runc'] : [] });
  const command = [
    ...inSuitableCgroups(),
    process.execPath,
    path.join(repositoryRoot, 'dist/scripts/demo.js'),
  ];
  // A directory for temporary files of its own, so that the final check sees this run's only.
  const temporary = mkdtempSync(path.join(tmpdir(), 'dobby-'));
  process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
  const env = {
    ...process.env,
    TMPDIR: temporary,
    DOBBY_OWN_TMPDIR: '1',
    PATH: searchPath,
    DOBBY_BUSYBOX: findStaticBusybox(),
  };
  const version = capture(values.runtime, ['--version'], { env }).split('\n', 1)[0];
  return passThrough(command[0], [...command.slice(1), values.runtime, version], { env });
});
