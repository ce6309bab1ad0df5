import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { type Container, type DobbyRunC, RuntimeError } from '../../src/index';
import { leftOver, newBundle, newId, warmUp } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { snapshot } from '../helpers/leaks';
import { clearScene, perform, type Scene, type Step, setScene } from './operations';
import { type RuntimeFault, runtimeFaults, scriptOf } from './runtime-faults';
import { StandIn } from './stand-in';

// No operation may last longer, whatever the runtime does: it is given up, cleaned up, and told.
const boundMs = 15_000;

describe('what the runtime can do wrong', { skip: needsRuntime() }, () => {
  let standIn: StandIn;
  let dobby: DobbyRunC;
  let other: Container;
  before(async () => {
    standIn = new StandIn();
    dobby = standIn.dobby();
    await warmUp(dobby);
    other = await dobby.run(newId('other'), await newBundle(['/bin/sleep', '1000']));
    await warmUp(dobby);
  });
  after(async () => {
    await other.destroy({ force: true });
    assert.deepEqual(await dobby.list(), []);
    await dobby[Symbol.asyncDispose]();
  });

  for (const fault of runtimeFaults)
    for (const [step, code] of Object.entries(fault.outcomes) as [Step, string | null][])
      test(`${step}: the runtime ${fault.name}: ${code ?? 'succeeds'}`, async () => {
        // One by one, so that what one fault leaves is not blamed on the next.
        const clean = snapshot();
        const scene = await setScene(dobby, step, fault.isTerminal);
        standIn.script(scriptOf(fault, step, wordsOf(scene)));
        const startMs = performance.now();
        const told = await settle(perform(dobby, step, scene, limitOf(fault)));
        const durationMs = performance.now() - startMs;
        standIn.restore();
        check(told, code, scene.id, step);
        assert.ok(durationMs < boundMs, `took ${durationMs} ms`);
        if (code !== null && step === 'create') assert.equal(await dobby.state(scene.id), 'unknown');
        await worksAgain(step, scene);
        await clearScene(dobby, scene);
        assert.deepEqual(await leftOver(clean), []);
      });

  function wordsOf({ id }: Scene): Record<string, string> {
    return {
      OWN: String(process.pid),
      OTHER: String(other.pid),
      GONE: String(spawnSync('true').pid),
      STATUS: `stdout:${Buffer.from(JSON.stringify({ id, status: 'dancing', pid: 1 })).toString('hex')}`,
    };
  }

  /** The next operation on the same id works: create makes it, the others leave it as they should. */
  async function worksAgain(step: Step, scene: Scene): Promise<void> {
    const status = await dobby.state(scene.id);
    if (step === 'create') {
      if (status === 'unknown') await perform(dobby, 'create', scene);
      assert.equal(await dobby.state(scene.id), 'created');
      return;
    }
    const isThere = (await dobby.list()).some((item) => item.id === scene.id);
    assert.equal(isThere, status !== 'unknown');
    if (step === 'destroy' || status === 'unknown') return;
    if (step === 'exec') {
      const process = await dobby.exec(scene.id, ['/bin/true']);
      assert.equal((await process.exited).code, 0);
    }
    if (status === 'created') await dobby.start(scene.id);
    if (status === 'paused') await dobby.resume(scene.id);
    assert.equal(await dobby.state(scene.id), 'running');
  }
});

function limitOf({ timeoutMs }: RuntimeFault): { timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs };
}

async function settle(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return null;
  } catch (error) {
    return error;
  }
}

function check(told: unknown, code: string | null, id: string, step: Step): void {
  if (code === null) {
    assert.equal(told, null);
    return;
  }
  assert.ok(told instanceof RuntimeError, `rejects with a RuntimeError, not ${String(told)}`);
  assert.equal(told.code, code, told.message);
  assert.ok(told.stderr.length <= 64 * 1024 && told.log.length <= 1024 * 1024);
  if (step === 'list') return;
  assert.equal(told.containerId, id);
  assert.ok(told.message.includes(id), told.message);
}
