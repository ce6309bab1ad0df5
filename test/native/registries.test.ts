import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, it } from 'node:test';

const fixture = path.join(__dirname, 'fixtures', 'registries.js');

describe('the package loaded many times in one environment', () => {
  for (const where of ['the main thread', 'a worker'])
    it(`works each time in ${where}, and its threads and descriptors go when it is dropped`, async () => {
      const child = fork(fixture, [where], { execArgv: ['--expose-gc'] });
      const exited = once(child, 'exit').then(([code, signal]) => {
        throw new Error(`ended with ${code ?? signal}`);
      });
      const [counts] = (await Promise.race([once(child, 'message'), exited])) as [[number, number][]];
      exited.catch(() => {});
      // The last may not have been collected yet, and so may one that was in use when it was to be.
      const [descriptors, threads] = counts[2] as [number, number];
      for (const [more, moreThreads] of counts.slice(3)) {
        assert.ok(more <= descriptors + 8, `descriptors: ${JSON.stringify(counts)}`);
        assert.ok(moreThreads <= threads + 2, `threads: ${JSON.stringify(counts)}`);
      }
    });
});
