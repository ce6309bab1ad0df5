import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { newBundle, newId, textOf } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

// The one that reads the directory is the shell's own.
const list = ['/bin/sh', '-c', 'for fd in /proc/self/fd/*; do [ -e $fd ] && echo "${fd##*/}"; done'];

describe('descriptors', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  test('a container and an exec’d process have what was asked for and nothing else, of 200 that are open here', () => {
    // Node makes what it inherits close-on-exec, up to the first gap after 15. These are after a gap.
    const script = 'for ((i = 40; i < 140; i++)); do eval "exec $i</sys/fs/cgroup"; done; exec "$@"';
    const fixture = path.join(__dirname, 'fixtures', 'exact-descriptors.js');
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', process.execPath, fixture], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    const { inheritable, seen } = JSON.parse(stdout) as { inheritable: number; seen: Record<string, string> };
    assert.ok(inheritable >= 100, `${inheritable} inheritable descriptors`);
    assert.deepEqual(seen, {
      'init 0': '0 1 2',
      'exec 0': '0 1 2',
      'init 1': '0 1 2 3',
      'exec 1': '0 1 2 3',
      'init 5': '0 1 2 3 4 5 6 7',
      'exec 5': '0 1 2 3 4 5 6 7',
    });
  });

  test('the same descriptor may be passed several times', async () => {
    const fd = openSync('/dev/null', 'r');
    const container = await dobby.run(newId(), await newBundle(list), {
      stdout: 'pipe',
      stderr: fd,
      files: [fd, fd, fd],
    });
    closeSync(fd);
    await container.exited;
    assert.equal((await textOf(container.stdout)).trim().split('\n').length, 6);
    await container.destroy();
  });

  test('128 descriptors can be passed', async () => {
    const fds = Array.from({ length: 128 }, () => openSync('/dev/zero', 'r'));
    const container = await dobby.run(newId(), await newBundle(list), { stdout: 'pipe', files: fds });
    for (const fd of fds) closeSync(fd);
    await container.exited;
    assert.equal((await textOf(container.stdout)).trim().split('\n').length, 131);
    await container.destroy();
  });

  test('no call leaves a file behind in the run directory', () => {
    const left = readdirSync('/run/dobby-runc').filter((name) => name.startsWith(`call-${process.pid}-`));
    assert.deepEqual(left, []);
  });
});
