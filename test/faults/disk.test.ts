import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type DobbyRunC, RuntimeError } from '../../src/index';
import { leftOver, newBundle, newDobby, newId, warmUp } from '../helpers/containers';
import { cgroup, needsRuntime } from '../helpers/environment';
import { snapshot } from '../helpers/leaks';
import { temporaryDirectory } from '../helpers/temporary';
import { setScene } from './operations';

const allSpace = ['ERR_RUNTIME_FAILED', 'ERR_SPAWN', 'ERR_PERMISSION', 'ERR_CGROUP', 'ERR_INVALID_BUNDLE'];

/** A small file system of its own; what is done with it ends with its being unmounted. */
async function withTmpfs(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = temporaryDirectory('small');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'small', directory]);
  try {
    await use(directory);
  } finally {
    execFileSync('umount', ['--lazy', directory]);
  }
}

function fill(directory: string): string {
  const file = path.join(directory, 'filler');
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(file, Buffer.alloc(bavail * bsize));
  return file;
}

async function worksOnce(dobby: DobbyRunC, id: string): Promise<void> {
  const container = await dobby.run(id, await newBundle(['/bin/true']));
  assert.equal((await container.exited).code, 0);
  await container.destroy();
}

for (const direct of ['auto', 'off'] as const)
  describe(`disks and cgroups in the way, direct: ${direct}`, { skip: needsRuntime() }, () => {
    test('a full root: create fails and leaves nothing, the rest goes on, and with space it works again', async () => {
      await withTmpfs(async (directory) => {
        const dobby = newDobby({ root: path.join(directory, 'state'), direct });
        const clean = await warmUp(dobby);
        const before = await setScene(dobby, 'kill');
        const filler = fill(directory);
        const id = newId('full');
        await assert.rejects(dobby.create(id, await newBundle(['/bin/true'])), (error) => {
          assert.ok(error instanceof RuntimeError && allSpace.includes(error.code), String(error));
          assert.ok(error.cleanedUp);
          return true;
        });
        assert.equal(await dobby.state(id), 'unknown');
        assert.deepEqual(
          (await dobby.list()).map((item) => item.id),
          [before.id],
        );
        await dobby.killCont(before.id, 'SIGCONT');
        await dobby.pause(before.id);
        await dobby.resume(before.id);
        assert.equal((await (await dobby.exec(before.id, ['/bin/true'])).exited).code, 0);
        await dobby.destroy(before.id, { force: true });
        rmSync(filler);
        await worksOnce(dobby, id);
        assert.deepEqual(await leftOver(clean), []);
        await dobby[Symbol.asyncDispose]();
      });
    });

    test('a read-only root: create rejects with ERR_PERMISSION or ERR_RUNTIME_FAILED, reading goes on', async () => {
      await withTmpfs(async (directory) => {
        const dobby = newDobby({ root: path.join(directory, 'state'), direct });
        const clean = await warmUp(dobby);
        const before = await setScene(dobby, 'kill');
        execFileSync('mount', ['-o', 'remount,ro', directory]);
        const id = newId('ro');
        await assert.rejects(dobby.create(id, await newBundle(['/bin/true'])), (error) => {
          assert.ok(error instanceof RuntimeError && allSpace.includes(error.code), String(error));
          return true;
        });
        assert.equal(await dobby.state(before.id), 'running');
        assert.equal((await dobby.list()).length, 1);
        await assert.rejects(dobby.destroy(before.id, { force: true }), RuntimeError);
        execFileSync('mount', ['-o', 'remount,rw', directory]);
        await dobby.destroy(before.id, { force: true });
        await worksOnce(dobby, id);
        assert.deepEqual(await leftOver(clean), []);
        await dobby[Symbol.asyncDispose]();
      });
    });

    test('a root whose disk is read-only before it is made: ERR_PERMISSION', async () => {
      await withTmpfs(async (directory) => {
        execFileSync('mount', ['-o', 'remount,ro', directory]);
        const dobby = newDobby({ root: path.join(directory, 'state'), direct });
        await assert.rejects(dobby.create(newId(), await newBundle(['/bin/true'])), {
          code: 'ERR_PERMISSION',
        });
        assert.deepEqual(await dobby.list(), []);
        await dobby[Symbol.asyncDispose]();
      });
    });

    test('a cgroup that another process keeps busy: destroy settles, and when that is gone nothing is left', async () => {
      const dobby = newDobby({ direct });
      const clean = await warmUp(dobby);
      const { id } = await setScene(dobby, 'kill');
      const hierarchy = cgroup === 'v1' ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup';
      const below = path.join(hierarchy, id, 'guest');
      mkdirSync(below);
      const guest = spawn('sleep', ['1000'], { stdio: 'ignore' });
      const gone = new Promise((resolve) => guest.once('exit', resolve));
      writeFileSync(path.join(below, 'cgroup.procs'), String(guest.pid));
      assert.match(readFileSync(`/proc/${guest.pid}/cgroup`, 'utf8'), /guest/);
      const told = await dobby.destroy(id, { force: true, timeoutMs: 10_000 }).then(
        () => null,
        (error: RuntimeError) => error.code,
      );
      guest.kill('SIGKILL');
      await gone;
      if (told !== null) {
        assert.ok(['ERR_TIMEOUT', ...allSpace].includes(told), told);
        await dobby.destroy(id, { force: true }).catch(() => {});
      }
      for (const directory of [below, path.dirname(below)]) {
        try {
          rmdirSync(directory);
        } catch {
          // The runtime has ended the guest and removed it.
        }
      }
      assert.equal(await dobby.state(id), 'unknown');
      await worksOnce(dobby, id);
      assert.deepEqual(await leftOver(clean), []);
      await dobby[Symbol.asyncDispose]();
    });
  });

describe('snapshots of this file', () => {
  test('every small file system is unmounted', () => {
    assert.ok(snapshot().mounts.every((line) => !line.includes('dobby-small')));
  });
});
