import assert from 'node:assert/strict';
import { spawn as spawnChild } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ExitSource, native } from '../../src/native';
import { output, shell, sleep, start, until, watch } from './harness';

const isZombie = (pid: number): boolean => {
  try {
    return /^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);

const perl = (script: string): string[] => ['/usr/bin/perl', '-e', script];

/** A process whose parent has ended, so that it is ours; it ends with status 3 after a moment. */
async function orphan(options: { session?: boolean; afterMs?: number } = {}): Promise<number> {
  const { session = false, afterMs = 20 } = options;
  const child = `${session ? 'use POSIX; POSIX::setsid();' : ''} close STDOUT; select(undef, undef, undef, ${afterMs / 1000}); exit 3`;
  return Number(await output(perl(`$| = 1; $p = fork; if (!$p) { ${child} } print $p`)));
}

async function zombie(options?: { session?: boolean }): Promise<number> {
  const pid = await orphan(options);
  await until(() => isZombie(pid), `zombie ${pid}`);
  return pid;
}

describe('orphans', () => {
  before(() => assert.equal(native.subreaper(1), 1));
  after(() => assert.equal(native.subreaper(0), 0));

  it('says whether this process is a subreaper', () => {
    assert.equal(native.subreaper(-1), 1);
    assert.equal(native.subreaper(0), 0);
    assert.equal(native.subreaper(-1), 0);
    assert.equal(native.subreaper(1), 1);
  });

  it('has nothing to do without zombies', () => {
    assert.equal(native.reapOrphans(0), 0);
  });

  it('reaps a zombie of a foreign session when it sees it again, whatever the grace', async () => {
    const pid = await zombie();
    assert.equal(native.reapOrphans(60_000), 0);
    assert.ok(isZombie(pid));
    assert.equal(native.reapOrphans(60_000), 1);
    assert.ok(!isThere(pid));
  });

  it('leaves one that leads its own session for the whole grace: it could be somebody’s child', async () => {
    const pid = await zombie({ session: true });
    assert.equal(native.reapOrphans(150), 0);
    assert.equal(native.reapOrphans(150), 0);
    await sleep(100);
    assert.equal(native.reapOrphans(150), 0);
    assert.ok(isZombie(pid));
    await sleep(60);
    assert.equal(native.reapOrphans(150), 1);
    assert.ok(!isThere(pid));
  });

  it('leaves what is watched, whose exit arrives as a child’s', async () => {
    const pid = await orphan({ afterMs: 50 });
    const { exited } = watch(pid, native.pidfdOpen(pid));
    const busyUntil = Date.now() + 150;
    while (Date.now() < busyUntil) assert.equal(native.reapOrphans(0), 0); // the loop cannot take it meanwhile
    assert.deepEqual(await exited, { code: 1, status: 3, source: ExitSource.Waitid });
  });

  it('leaves what was started and is not watched yet, until its pidfd is closed', async () => {
    const { pid, pidfd } = start(shell('exit 0'));
    await until(() => isZombie(pid), 'the zombie');
    for (let i = 0; i < 5; i++) {
      assert.equal(native.reapOrphans(0), 0);
      await sleep(15);
    }
    native.close(pidfd);
    assert.equal(native.reapOrphans(0), 0, 'seen for the first time');
    assert.equal(native.reapOrphans(0), 1);
    assert.ok(!isThere(pid));
  });

  it('reaps none born while a ticket is held, until it is released', async () => {
    const ticket = native.holdOrphans();
    const pid = await zombie();
    assert.equal(native.reapOrphans(0), 0);
    assert.equal(native.reapOrphans(0), 0);
    const later = native.holdOrphans();
    native.releaseOrphans(ticket);
    native.releaseOrphans(ticket);
    assert.equal(native.reapOrphans(0), 1, 'the later ticket does not cover it');
    assert.ok(!isThere(pid));
    native.releaseOrphans(later);
  });

  it('releases the tickets of a worker that has ended', async () => {
    const script = `require(${JSON.stringify(require.resolve('../../src/native'))}).native.holdOrphans();`;
    const worker = new Worker(script, { eval: true });
    await once(worker, 'exit');
    const pid = await zombie();
    assert.equal(native.reapOrphans(0), 0);
    assert.equal(native.reapOrphans(0), 1);
    assert.ok(!isThere(pid));
  });

  it('leaves a child_process child of the loop, in its own session or ours, however long the loop stands still', async () => {
    for (const detached of [false, true]) {
      const children = Array.from({ length: 20 }, (_, i) => {
        const child = spawnChild('sh', ['-c', `sleep 0.02; exit ${i}`], { detached, stdio: 'ignore' });
        return once(child, 'exit');
      });
      const busyUntil = Date.now() + 300;
      while (Date.now() < busyUntil) assert.equal(native.reapOrphans(0), 0);
      const exits = await Promise.all(children);
      assert.deepEqual(
        exits.map(([code]) => code),
        children.map((_, i) => i),
      );
    }
  });

  it('leaves child_process children while orphans come and go', async () => {
    let reaped = 0;
    const timer = setInterval(() => (reaped += native.reapOrphans(0)), 1);
    const children = Array.from({ length: 30 }, (_, i) => {
      const child = spawnChild('sh', ['-c', `sleep 0.0${i % 10}; exit ${i}`], {
        detached: i % 2 === 0,
        stdio: 'ignore',
      });
      return once(child, 'exit');
    });
    const orphans = await Promise.all(Array.from({ length: 10 }, () => orphan()));
    const exits = await Promise.all(children);
    assert.deepEqual(
      exits.map(([code]) => code),
      children.map((_, i) => i),
    );
    await until(() => reaped >= 10, 'ten orphans');
    clearInterval(timer);
    assert.equal(reaped, 10);
    assert.ok(orphans.every((pid) => !isThere(pid)));
  });

  it('does not guess from a worker while this loop has children', async () => {
    const child = spawnChild('sh', ['-c', 'sleep 0.05; exit 8'], { detached: true, stdio: 'ignore' });
    const exit = once(child, 'exit');
    const script = `
      const { native } = require(${JSON.stringify(require.resolve('../../src/native'))});
      const busyUntil = Date.now() + 300;
      let reaped = 0;
      while (Date.now() < busyUntil) reaped += native.reapOrphans(0);
      require('node:worker_threads').parentPort.postMessage(reaped);`;
    const worker = new Worker(script, { eval: true });
    const message = once(worker, 'message');
    await once(worker, 'online');
    const busyUntil = Date.now() + 250;
    while (Date.now() < busyUntil); // this loop cannot take its child, and the worker does not know it
    const [reaped] = await message;
    assert.equal(reaped, 0);
    assert.equal((await exit)[0], 8);
  });
});
