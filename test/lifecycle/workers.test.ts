import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { leftOver, newBundle, newDobby, newId, warmUp } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';

const stages = ['creating', 'created', 'running', 'exec', 'streaming', 'exited', 'destroyed'];

describe('worker threads', { skip: needsRuntime() }, () => {
  test('a worker that is terminated at any stage leaves no descriptor, and its container to others', async () => {
    const dobby = newDobby();
    const bundle = await newBundle(['/bin/sh', '-c', 'while :; do echo x; sleep 0.01; done']);
    const clean = await warmUp(dobby);
    for (const stage of stages) {
      const id = newId(stage);
      const worker = new Worker(path.join(__dirname, 'fixtures', 'worker.js'), {
        workerData: { runtime, root: dobby.getWorkingDir(), id, bundle: bundle.path, stage },
      });
      await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      await worker.terminate();
      // A runtime that was under way goes on; who comes next waits for it.
      await dobby.destroy(id, { force: true });
    }
    assert.deepEqual(await leftOver(clean), []);
    await dobby[Symbol.asyncDispose]();
  });

  test('two workers and the main thread drive containers at the same time', async () => {
    const dobby = newDobby();
    const bundle = await newBundle(['/bin/sh', '-c', 'while :; do echo x; sleep 0.01; done']);
    const done = [1, 2].map((number) => {
      const worker = new Worker(path.join(__dirname, 'fixtures', 'worker.js'), {
        workerData: {
          runtime,
          root: dobby.getWorkingDir(),
          id: newId(`w${number}`),
          bundle: bundle.path,
          stage: 'destroyed',
        },
      });
      return new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    });
    for (let round = 0; round < 10; round++) {
      const container = await dobby.run(newId(), await newBundle(['/bin/sh', '-c', `exit ${round}`]));
      assert.equal((await container.exited).code, round);
      await container.destroy();
    }
    assert.deepEqual(await Promise.all(done), ['destroyed', 'destroyed']);
    assert.deepEqual(await dobby.list(), []);
    await dobby[Symbol.asyncDispose]();
  });
});
