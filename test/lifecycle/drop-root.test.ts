import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { newBundle, newId } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

const hungMs = 20_000;

describe('giving up root', { skip: needsRuntime() }, () => {
  const left: string[] = [];
  after(async () => {
    for (const id of left) await dobby.destroy(id, { force: true });
  });
  const dobby = dobbyForSuite();

  for (const isDisposed of [false, true])
    test(`setuid returns ${isDisposed ? 'after asyncDispose' : 'while a container runs, and its exit is told'}`, async () => {
      const bundle = await newBundle(['/bin/sh', '-c', 'sleep 0.5; exit 3']);
      const id = newId('drop');
      if (!isDisposed) left.push(id);
      const child = fork(path.join(__dirname, 'fixtures', 'drop-root.js'));
      child.send({ runtime, root: dobby.getWorkingDir(), id, bundle: bundle.path, isDisposed });
      const told = await new Promise((resolve, reject) => {
        const timer = setTimeout(() => child.kill('SIGKILL'), hungMs);
        child.once('message', resolve);
        child.once('exit', (code, signal) => {
          clearTimeout(timer);
          reject(new Error(`ended with ${code ?? signal}`));
        });
      });
      const uids = 'Uid:\t65534\t65534\t65534\t65534';
      assert.deepEqual(told, { users: [uids], code: isDisposed ? null : 3 });
    });
});
