import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { kFirstWord } from './bundle';
import { isAtRest, isDying, type Observation, observe } from './observe';
import type { Pair, Twin } from './twin';

const kSettleMs = 5000;

/** Waits until both twins look the same, and the same as expected of a program that needs a moment. */
export async function settle(pair: Pair): Promise<void> {
  const deadline = Date.now() + kSettleMs;
  for (;;) {
    const isOnTheWay = [pair.direct, pair.cli].some((twin) => isPending(pair, twin, look(pair, twin)));
    // Looked at once more: what it did just before it came to rest counts.
    const [first, second] = [look(pair, pair.direct), look(pair, pair.cli)];
    if (!isOnTheWay && isDeepStrictEqual(first, second)) return;
    if (Date.now() > deadline) {
      assert.deepEqual(first, second, 'the twins differ');
      return;
    }
    await delay(5);
  }
}

/**
 * runc 1.1 deletes a container that shares a pid namespace without waiting for the processes that it kills, so
 * its cgroup is left or not by chance. Such a delete is never done directly.
 */
function look({ shape }: Pair, twin: Twin): Observation {
  const observation = observe(twin);
  if (shape?.sharesPidNamespace !== true || observation.entries !== 'gone') return observation;
  return { ...observation, cgroups: [], freezer: {} };
}

/**
 * Whether the container is still on the way to where its last step leads. Looked at too early, both twins are as they
 * were and so equal; whatever the next step freezes, stops or kills would then stay as it is by chance.
 */
function isPending(
  { shape, hasStarted }: Pair,
  { init }: Twin,
  { init: state, freezer, logs }: Observation,
): boolean {
  if (freezer.set === 'FREEZING') return true;
  if (freezer.set === '1' && freezer.frozen === 'frozen 0') return true;
  if (init === null || state !== 'alive') return false;
  // On v1 a frozen process takes even a KILL only when it is thawed.
  if (freezer.set === 'FROZEN') return false;
  if (isDying(init)) return true;
  if (freezer.set === '1') return false;
  if (hasStarted && (shape?.program === 'exits' || logs.out !== kFirstWord)) return true;
  return !isAtRest(init);
}
