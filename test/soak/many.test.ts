import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needsRuntime } from '../helpers/environment';
import { many } from './many';

// 2,000 on demand: DOBBY_MANY=2000 npm test -- test/soak/many.test.ts
const wanted = Number(process.env.DOBBY_MANY ?? 50);

describe('many containers', { skip: needsRuntime() }, () => {
  test(`${wanted} live containers are listed, signalled and ended at once: every exit is told once`, async (t) => {
    const result = await many(wanted);
    t.diagnostic(JSON.stringify(result));
    assert.equal(result.stoppedBy, '');
    assert.equal(result.listed, wanted);
    assert.equal(result.runningAfterSignal, wanted);
    assert.equal(result.exitEvents, wanted);
    assert.equal(result.idsTold, wanted);
    assert.deepEqual(result.bySignal, { 'SIGKILL by waitid': wanted });
    assert.equal(result.listedAfter, 0);
  });
});
