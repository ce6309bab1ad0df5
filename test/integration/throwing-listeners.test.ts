import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, test } from 'node:test';
import { newBundle, newId } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

interface Told {
  code: number;
  bytes: number;
  failure: string;
  told: string[];
  uncaught: string[];
  rejections: string[];
}

describe('what a listener throws', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  test('is an uncaught exception, fails no operation, and costs no other listener what it is told', async () => {
    const prints = await newBundle(['/bin/sh', '-c', 'echo err >&2; seq 1 20000; exit 7']);
    const sleeps = await newBundle(['/bin/sleep', '1000']);
    const child = fork(path.join(__dirname, 'fixtures/throwing-listeners.js'));
    child.send({
      runtime,
      root: dobby.getWorkingDir(),
      bundles: { prints: prints.path, sleeps: sleeps.path },
      ids: { prints: newId(), sleeps: newId() },
    });
    const [[message], [code]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
    const { told, uncaught, rejections, ...rest } = message as Told;
    assert.equal(code, 0);
    assert.deepEqual(rejections, []);
    assert.deepEqual(rest, { code: 7, bytes: 108_894, failure: 'ERR_STUCK' });
    const count = (list: string[], wanted: string): number => list.filter((each) => each === wanted).length;
    for (const name of ['exit', 'operation', 'stuck']) {
      assert.equal(count(uncaught, `${name} once`), 1, name);
      assert.equal(count(uncaught, name), count(told, name), name);
    }
    assert.equal(count(told, 'exit'), 2);
    assert.equal(count(told, 'stuck'), 1);
    assert.ok(count(told, 'operation') >= 4);
    for (const name of ['data', 'end', 'buffer data']) assert.ok(count(uncaught, name) >= 1, name);
  });
});
