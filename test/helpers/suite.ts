import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { DobbyRunC, RuntimeOptions } from '../../src/index';
import { leftOver, newDobby, warmUp } from './containers';
import type { Snapshot } from './leaks';

/**
 * A DobbyRunC for the tests of one describe(), to be called there: warmed up before them; after them there must be no
 * container any more and nothing else left, and it is disposed of.
 */
export function dobbyForSuite(options: RuntimeOptions = {}): DobbyRunC {
  const dobby = newDobby(options);
  let clean: Snapshot;
  before(async () => {
    clean = await warmUp(dobby);
  });
  after(async () => {
    assert.deepEqual(await dobby.list(), []);
    assert.deepEqual(await leftOver(clean), []);
    await dobby[Symbol.asyncDispose]();
  });
  return dobby;
}
