import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { native } from '../../src/native';
import { stageNames } from './fixtures/worker-stage';
import { openDescriptors, run, shell, until } from './harness';

const fixture = path.join(__dirname, 'fixtures', 'worker-stage.js');

async function terminateAt(stage: string): Promise<number[]> {
  const worker = new Worker(fixture, { workerData: stage });
  const failed = once(worker, 'error').then(([error]) => {
    throw error;
  });
  const [pids] = await Promise.race([once(worker, 'message'), failed]);
  failed.catch(() => {});
  await worker.terminate();
  return pids;
}

const threads = (): number => readdirSync('/proc/self/task').length;
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('a worker that is terminated', () => {
  before(async () => {
    assert.equal(native.subreaper(1), 1);
    await terminateAt('loaded'); // what Node itself opens at the first worker is there from now on
    await run(['/bin/true']);
  });
  after(() => {
    native.subreaper(0);
    for (const name of readdirSync('/tmp')) {
      if (name.startsWith(`native-worker-${process.pid}-`)) rmSync(path.join('/tmp', name));
    }
  });

  for (const stage of stageNames) {
    it(`${stage} leaves no descriptor and no thread, and its processes go on`, async () => {
      const descriptors = openDescriptors().length;
      const threadCount = threads();
      const pids = await terminateAt(stage);
      await until(() => openDescriptors().length === descriptors, `${descriptors} descriptors`);
      await until(() => threads() === threadCount, `${threadCount} threads`);
      for (const pid of pids) {
        const survives = !/flooded|input/.test(stage);
        if (survives) assert.ok(isAlive(pid), `${pid} goes on`);
        else await until(() => !isAlive(pid), `the end of ${pid}, whose pipe is closed`);
        if (survives) process.kill(pid, 'SIGKILL');
      }
      // Nobody claims them any more, so that they are reaped as orphans.
      await until(() => {
        native.reapOrphans(0);
        return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8') === '';
      }, 'no children');
    });
  }

  it('does so 30 times in a row, at any moment', async () => {
    const descriptors = openDescriptors().length;
    for (let i = 0; i < 30; i++) {
      const worker = new Worker(fixture, { workerData: stageNames[i % stageNames.length] });
      worker.on('error', () => {});
      await once(worker, 'online');
      await new Promise((resolve) => setTimeout(resolve, i % 10));
      await worker.terminate();
    }
    await until(() => openDescriptors().length === descriptors, `${descriptors} descriptors`);
    for (const pid of readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)) {
      process.kill(Number(pid), 'SIGKILL');
    }
    await until(() => {
      native.reapOrphans(0);
      return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8') === '';
    }, 'no children');
  });
});

describe('workers', () => {
  it('each have their own watch: exits arrive where they are watched', async () => {
    const script = `
      const { run, shell } = require(${JSON.stringify(path.join(__dirname, 'harness.js'))});
      const { parentPort, workerData } = require('node:worker_threads');
      Promise.all(Array.from({ length: 20 }, () => run(shell('exit ' + workerData))))
        .then((exits) => parentPort.postMessage(exits.map(({ status }) => status)));`;
    const codes = [11, 12, 13];
    const answers = codes.map(async (code) => {
      const worker = new Worker(script, { eval: true, workerData: code });
      const exited = once(worker, 'exit');
      const [statuses] = await once(worker, 'message');
      await exited;
      return statuses;
    });
    const own = await Promise.all(Array.from({ length: 20 }, () => run(shell('exit 10'))));
    assert.ok(own.every(({ status }) => status === 10));
    for (const [i, statuses] of (await Promise.all(answers)).entries()) {
      assert.deepEqual(
        statuses,
        Array.from({ length: 20 }, () => codes[i]),
      );
    }
  });

  it('are environments of their own, of which is known when they have ended', async () => {
    const ended = native.endedEnvironments();
    const worker = new Worker(
      `const { native } = require(${JSON.stringify(path.join(__dirname, '../../src/native.js'))});
      require('node:worker_threads').parentPort.postMessage(native.environmentId());
      setInterval(() => {}, 1000);`,
      { eval: true },
    );
    const [id] = (await once(worker, 'message')) as [number];
    assert.notEqual(id, native.environmentId());
    assert.ok(native.environmentIsAlive(id) && native.environmentIsAlive(native.environmentId()));
    assert.equal(native.endedEnvironments(), ended);
    await worker.terminate();
    assert.ok(!native.environmentIsAlive(id));
    assert.equal(native.endedEnvironments(), ended + 1);
  });

  it('end by themselves when nothing is watched any more', async () => {
    const worker = new Worker(
      `require(${JSON.stringify(path.join(__dirname, 'harness.js'))}).run(['/bin/true'])`,
      { eval: true },
    );
    assert.deepEqual(await once(worker, 'exit'), [0]);
  });
});
