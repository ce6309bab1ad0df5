import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { type CallOptions, ContainerStatus, type DobbyRunC, RuntimeError } from '../../src/index';
import { leftOver, newBundle } from '../helpers/containers';
import { kind, needsRuntime } from '../helpers/environment';
import { snapshot } from '../helpers/leaks';
import { dobbyForSuite } from '../helpers/suite';
import { clearScene, perform, type Scene, type Step, setScene, steps } from './operations';

// A few seconds of every row; DOBBY_CANCELLATIONS=2000 for all that the issue asks for.
const total = Number(process.env.DOBBY_CANCELLATIONS ?? (kind === 'crun' ? 270 : 135));
const perStep = Math.ceil(total / steps.length / 2);
// How long the operations take on a slow day: a cancellation is somewhere in it, or just after.
const longestMs = { crun: 40, runc: 120 }[kind];

interface Random {
  /** 0 to 1. */
  next(): number;
  seed: number;
}

/** mulberry32: the same moments again for the same DOBBY_SEED. */
function randomFrom(seed: number): Random {
  let state = seed;
  return {
    seed,
    next: () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

for (const direct of ['auto', 'off'] as const)
  describe(`cancellation at random moments, direct: ${direct}`, { skip: needsRuntime() }, () => {
    const random = randomFrom(Number(process.env.DOBBY_SEED ?? Date.now() % 1e9));
    const dobby = dobbyForSuite({ direct });

    for (const step of steps)
      test(`${step} ${perStep} times: nothing is left and the id can be used again at once`, async (t) => {
        const ends = { done: 0, ERR_ABORTED: 0, ERR_TIMEOUT: 0 };
        for (let count = 0; count < perStep; count++) {
          const delayMs = random.next() ** 2 * (direct === 'auto' && !isSlow(step) ? 2 : longestMs);
          const limit: CallOptions =
            random.next() < 0.5 ? abortAfter(delayMs) : { timeoutMs: Math.max(1, delayMs) };
          const start = snapshot();
          const scene = await setScene(dobby, step, step === 'create' && random.next() < 0.3);
          const told = await outcome(perform(dobby, step, scene, limit));
          ends[told]++;
          const listeners = limit.signal ? getEventListeners(limit.signal, 'abort') : [];
          assert.deepEqual(listeners, [], `seed ${random.seed}: listeners on the signal of a settled call`);
          await usable(dobby, step, scene, told === 'done').catch((error: unknown) => {
            throw new Error(
              `seed ${random.seed}: after ${told} at ${delayMs.toFixed(1)} ms: ${String(error)}`,
              { cause: error },
            );
          });
          await clearScene(dobby, scene);
          assert.deepEqual(await leftOver(start), [], `seed ${random.seed}: ${told} at ${delayMs} ms`);
        }
        t.diagnostic(JSON.stringify(ends));
        // Done directly, most are through before anything can be cancelled.
        if (perStep >= 10 && direct === 'off')
          assert.ok(ends.ERR_ABORTED + ends.ERR_TIMEOUT > 0, 'none was cancelled');
      });
  });

/** Whether it always goes by the command line. */
function isSlow(step: Step): boolean {
  return step === 'create' || step === 'exec';
}

function abortAfter(ms: number): CallOptions {
  const controller = new AbortController();
  if (ms < 0.5) controller.abort();
  else setTimeout(() => controller.abort(), ms).unref();
  return { signal: controller.signal };
}

async function outcome(promise: Promise<unknown>): Promise<'done' | 'ERR_ABORTED' | 'ERR_TIMEOUT'> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    assert.ok(error instanceof RuntimeError, String(error));
    assert.ok(
      error.code === 'ERR_ABORTED' || error.code === 'ERR_TIMEOUT',
      `${error.code}: ${error.message}`,
    );
    return error.code;
  }
}

/** crun's command line calls a container running for as long as it is still freezing (cgroup v1). */
async function settledState(dobby: DobbyRunC, id: string): Promise<ContainerStatus> {
  const end = performance.now() + 100;
  for (;;) {
    const status = await dobby.state(id);
    if (status !== ContainerStatus.Running || performance.now() > end) return status;
  }
}

/** Whether it was done or not, the container is one of the two, whole, and goes on to be used. */
async function usable(dobby: DobbyRunC, step: Step, scene: Scene, isDone: boolean): Promise<void> {
  const { id } = scene;
  const status = step === 'pause' ? await settledState(dobby, id) : await dobby.state(id);
  if (step === 'create') {
    if (isDone) assert.equal(status, 'created');
    else {
      assert.equal(status, 'unknown');
      const bundle = await newBundle(['/bin/true']);
      const again = await dobby.run(id, bundle);
      assert.equal((await again.exited).code, 0);
      await dobby.destroy(id);
      scene.container = null;
    }
    return;
  }
  if (step === 'destroy') {
    assert.ok(!isDone || status === 'unknown', status);
    return;
  }
  assert.notEqual(status, 'unknown');
  if (status === 'created') await dobby.start(id);
  if (status === 'paused') await dobby.resume(id);
  assert.equal(await dobby.state(id), 'running');
  const process = await dobby.exec(id, ['/bin/true'], { timeoutMs: 10_000 });
  assert.equal((await process.exited).code, 0);
}
