import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leftOver, newBundle, newDobby, newId, warmUp } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';

const cycles = Number(process.env.DOBBY_TEST_CYCLES ?? 1000);
const warm = Math.min(200, Math.floor(cycles / 2));
// RSS moves by garbage collections; a leak of 4 KB a cycle would show as more than three megabytes.
const growthBytes = 24 * 1024 * 1024;

describe('many cycles in one process', { skip: needsRuntime() }, () => {
  test(`${cycles} times create, start, exit, destroy: nothing is left and the memory stays flat`, {
    timeout: 300_000,
  }, async (t) => {
    const dobby = newDobby();
    const bundle = await newBundle(['/bin/sh', '-c', 'echo hello; exit 5']);
    const clean = await warmUp(dobby);
    let exits = 0;
    dobby.on('exit', () => exits++);
    let rssAfterWarmUp = 0;
    const cycle = async (): Promise<void> => {
      const container = await dobby.create(newId(), bundle, { stdout: 'pipe' });
      await container.start();
      const { code } = await container.exited;
      assert.equal(code, 5);
      assert.equal(String(container.stdout?.read()), 'hello\n');
      await container.destroy();
    };
    for (let done = 0; done < cycles; done += 2) {
      await Promise.all([cycle(), cycle()]);
      if (done === warm) rssAfterWarmUp = process.memoryUsage.rss();
    }
    const grown = process.memoryUsage.rss() - rssAfterWarmUp;
    t.diagnostic(
      `RSS after ${warm} cycles ${rssAfterWarmUp >> 20} MiB, then ${(grown / 1024 / 1024).toFixed(1)} MiB more`,
    );
    assert.equal(exits, cycles);
    assert.ok(grown < growthBytes, `RSS has grown by ${grown} bytes`);
    assert.deepEqual(await leftOver(clean), []);
    assert.equal(process.listenerCount('exit') < 20, true);
    await dobby[Symbol.asyncDispose]();
  });
});
