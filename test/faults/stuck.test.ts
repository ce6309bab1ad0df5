import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type Container, type DobbyRunC, RuntimeError } from '../../src/index';
import { newBundle, newId, until } from '../helpers/containers';
import { cgroup, needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

// Three ways to make a process that SIGKILL does not end. On every machine: the init of a pid namespace ends only when
// all in it have been reaped, and a process that somebody else has put there is for him to reap. In cgroup v1: a task
// that is frozen by a parent's freezer, which nobody who thaws the container's own can thaw. With a loop device:
// uninterruptible sleep (state D), by writing to a file system that is frozen.

interface Hold {
  container: Container;
  release: () => Promise<void>;
}

type Making = (dobby: DobbyRunC) => Promise<Hold>;

async function makeUnreaped(dobby: DobbyRunC): Promise<Hold> {
  const container = await dobby.run(newId('stuck'), await newBundle(['/bin/sleep', '1000']));
  const joiner = spawn('nsenter', ['--target', String(container.pid), '--pid', 'sleep', '1000'], {
    stdio: 'ignore',
  });
  const child = (): string => readFileSync(`/proc/${joiner.pid}/task/${joiner.pid}/children`, 'utf8').trim();
  await until(() => child() !== '');
  joiner.kill('SIGSTOP');
  // Until it has stopped, it may still reap.
  await until(() => / T /.test(readFileSync(`/proc/${joiner.pid}/stat`, 'latin1')));
  const release = async (): Promise<void> => {
    joiner.kill('SIGKILL');
    await new Promise((resolve) => joiner.once('exit', resolve));
  };
  return { container, release };
}

async function makeFrozenAbove(dobby: DobbyRunC): Promise<Hold> {
  const id = newId('stuck');
  const parent = `above-${id}`;
  const freezer = `/sys/fs/cgroup/freezer/${parent}`;
  const bundle = await newBundle(['/bin/sleep', '1000'], { cgroupsPath: `/${parent}/${id}` });
  const container = await dobby.run(id, bundle);
  // An init that is frozen in the middle of its exec stays FREEZING for ever (runc's has several threads).
  await until(() => readFileSync(`/proc/${container.pid}/comm`, 'latin1') === 'sleep\n');
  mkdirSync(freezer, { recursive: true });
  writeFileSync(`${freezer}/freezer.state`, 'FROZEN');
  await until(() => readFileSync(`${freezer}/freezer.state`, 'utf8').trim() === 'FROZEN');
  const release = async (): Promise<void> => {
    writeFileSync(`${freezer}/freezer.state`, 'THAWED');
    await until(async () => (await dobby.state(id)) === 'unknown', 20_000);
    for (const line of readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')) {
      const [, controllers = ''] = line.split(':');
      try {
        rmdirSync(`/sys/fs/cgroup/${controllers.replace('name=', '')}/${parent}`);
      } catch {
        // The runtime has made none there.
      }
    }
  };
  return { container, release };
}

async function makeUninterruptible(dobby: DobbyRunC): Promise<Hold> {
  const disk = mountDisk();
  const mount = { destination: '/disk', type: 'bind', source: disk.mountPoint, options: ['bind', 'rw'] };
  const bundle = await newBundle(['/bin/sh', '-c', 'read line; echo x > /disk/file'], { mounts: [mount] });
  const container = await dobby.run(newId('stuck'), bundle, { stdin: 'pipe' });
  execFileSync('fsfreeze', ['--freeze', disk.mountPoint]);
  container.stdin?.end('\n');
  await until(() => / D /.test(readFileSync(`/proc/${container.pid}/stat`, 'latin1')));
  const release = async (): Promise<void> => {
    execFileSync('fsfreeze', ['--unfreeze', disk.mountPoint]);
    await container.exited;
    disk.unmount();
  };
  return { container, release };
}

/** A small file system of its own, on a loop device. */
function mountDisk(): { mountPoint: string; unmount: () => void } {
  const directory = temporaryDirectory('disk');
  const image = path.join(directory, 'image');
  const mountPoint = path.join(directory, 'mounted');
  mkdirSync(mountPoint);
  writeFileSync(image, Buffer.alloc(4 * 1024 * 1024));
  execFileSync('mkfs.ext4', ['-q', image]);
  execFileSync('mount', ['-o', 'loop', image, mountPoint]);
  return { mountPoint, unmount: () => execFileSync('umount', [mountPoint]) };
}

function hasLoopDevices(): boolean {
  try {
    mountDisk().unmount();
    return true;
  } catch {
    return false;
  }
}

const makings: Record<string, Making> = { 'whose namespace holds another’s zombie': makeUnreaped };
if (cgroup === 'v1') makings['that a cgroup above freezes'] = makeFrozenAbove;
if (needsRuntime() === false && hasLoopDevices()) makings['in uninterruptible sleep'] = makeUninterruptible;

for (const direct of ['auto', 'off'] as const)
  describe(`a process that can’t be killed, direct: ${direct}`, {
    skip: needsRuntime(),
    concurrency: true,
  }, () => {
    const dobby = dobbyForSuite({ direct });

    for (const [name, make] of Object.entries(makings)) {
      test(`${name}: destroy rejects with ERR_STUCK, and when it is gone the container is removed`, async () => {
        const { container, release } = await make(dobby);
        const id = container.containerId;
        const told: string[] = [];
        const ends: string[] = [];
        const onStuck = (stuckId: string, error: RuntimeError): void => {
          if (stuckId === id) told.push(error.code);
        };
        const onExit = (exitId: string): void => {
          if (exitId === id) ends.push(exitId);
        };
        dobby.on('stuck', onStuck).on('exit', onExit);
        try {
          await assert.rejects(dobby.destroy(id, { force: true }), (error) => {
            assert.ok(error instanceof RuntimeError);
            assert.equal(error.code, 'ERR_STUCK', error.message);
            assert.equal(error.cleanedUp, false);
            return true;
          });
          assert.deepEqual(told, ['ERR_STUCK']);
          await assert.rejects(dobby.create(id, await newBundle(['/bin/true'])), { code: 'ERR_STUCK' });
          assert.deepEqual(ends, []);
        } finally {
          await release();
        }
        assert.equal((await container.exited).signal, 'SIGKILL');
        await until(async () => (await dobby.state(id)) === 'unknown', 20_000);
        assert.deepEqual(ends, [id]);
        dobby.off('stuck', onStuck).off('exit', onExit);
        await until(() =>
          dobby.run(id, '/nonexistent').then(
            () => false,
            (e) => e.code === 'ERR_INVALID_BUNDLE',
          ),
        );
        const again = await dobby.run(id, await newBundle(['/bin/true']));
        assert.equal((await again.exited).code, 0);
        await again.destroy();
      });
    }

    test('stop tells ERR_STUCK too, and every other container goes on', async () => {
      const { container, release } = await makeUnreaped(dobby);
      try {
        await assert.rejects(container.stop({ graceMs: 100 }), { code: 'ERR_STUCK' });
        const other = await dobby.run(newId(), await newBundle(['/bin/true']));
        assert.equal((await other.exited).code, 0);
        await other.destroy();
      } finally {
        await release();
      }
      await until(async () => (await dobby.state(container.containerId)) === 'unknown', 20_000);
    });

    test('with timeoutMs a destroy that gets nowhere rejects with ERR_TIMEOUT', async () => {
      const { container, release } = await makeUnreaped(dobby);
      try {
        await assert.rejects(container.destroy({ force: true, timeoutMs: 300 }), { code: 'ERR_TIMEOUT' });
      } finally {
        await release();
      }
      await container.exited;
      await until(() =>
        container.destroy({ force: true }).then(
          () => true,
          () => false,
        ),
      );
    });
  });
