import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OperationEvent, RuntimeError } from '../../src/index';
import { newBundle, newDobby, newId, runShell } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

describe('concurrency', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  test('calls on one id run in the order in which they were made', async () => {
    const id = newId();
    const bundle = await newBundle(['/bin/sleep', '100']);
    const results = await Promise.all([
      dobby.create(id, bundle).then(() => 'created'),
      dobby.state(id),
      dobby.start(id).then(() => 'started'),
      dobby.state(id),
      dobby.pause(id).then(() => 'paused'),
      dobby.state(id),
      dobby.destroy(id, { force: true }).then(() => 'destroyed'),
      dobby.state(id),
    ]);
    assert.deepEqual(results, [
      'created',
      'created',
      'started',
      'running',
      'paused',
      'paused',
      'destroyed',
      'unknown',
    ]);
  });

  test('of two creates of one id the second is told ERR_CONTAINER_EXISTS, and harms the first in nothing', async () => {
    const id = newId();
    const bundle = await newBundle(['/bin/sleep', '100']);
    const other = newDobby({ root: dobby.getWorkingDir() });
    const results = await Promise.allSettled([
      dobby.create(id, bundle),
      other.create(id, bundle),
      dobby.create(id, bundle),
    ]);
    const failed = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as RuntimeError] : [],
    );
    assert.deepEqual(
      failed.map(({ code }) => code),
      ['ERR_CONTAINER_EXISTS', 'ERR_CONTAINER_EXISTS'],
    );
    await dobby.start(id);
    assert.equal(await dobby.state(id), 'running');
    await dobby.destroy(id, { force: true });
    await other[Symbol.asyncDispose]();
  });

  test('no more creates run at a time than maxConcurrentCreates', async () => {
    const narrow = newDobby({ maxConcurrentCreates: 1 });
    const spans: Array<[from: number, to: number]> = [];
    narrow.on('operation', ({ op, durationMs }: OperationEvent) => {
      if (op === 'create') spans.push([performance.now() - durationMs, performance.now()]);
    });
    const bundle = await newBundle(['/bin/true']);
    const containers = await Promise.all(Array.from({ length: 6 }, () => narrow.create(newId(), bundle)));
    assert.equal(spans.length, 6);
    for (const [index, [from]] of spans.slice(1).entries())
      assert.ok(from >= (spans[index] as [number, number])[1] - 0.1);
    await Promise.all(containers.map((container) => container.destroy({ force: true })));
    await narrow[Symbol.asyncDispose]();
  });

  test('32 containers at once: every exit status and every byte is right', async () => {
    const containers = await Promise.all(
      Array.from({ length: 32 }, (_, index) =>
        runShell(dobby, `echo ${index}; exit ${index}`, { stdout: 'pipe' }),
      ),
    );
    for (const [index, container] of containers.entries()) {
      assert.equal((await container.exited).code, index);
      assert.equal(String(container.stdout?.read()), `${index}\n`);
    }
    await Promise.all(containers.map((container) => container.destroy()));
  });

  test('a call that is aborted while it waits for its turn rejects at once, and those behind it go on', async () => {
    const id = newId();
    const controller = new AbortController();
    const created = dobby.create(id, await newBundle(['/bin/sleep', '100']));
    const aborted = dobby.pause(id, { signal: controller.signal });
    const started = dobby.start(id);
    controller.abort();
    await assert.rejects(aborted, { code: 'ERR_ABORTED' });
    await created;
    await started;
    assert.equal(await dobby.state(id), 'running');
    await dobby.destroy(id, { force: true });
  });

  test('await using destroys a container and kills a process', async () => {
    let exited: Promise<unknown>;
    let exec: Promise<unknown>;
    {
      await using container = await runShell(dobby, 'sleep 100');
      {
        await using process = await container.exec(['/bin/sleep', '100']);
        exec = process.exited;
      }
      assert.equal(((await exec) as { signal: string }).signal, 'SIGKILL');
      exited = container.exited;
    }
    assert.equal(((await exited) as { signal: string }).signal, 'SIGKILL');
    assert.deepEqual(await dobby.list(), []);
  });
});
