import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { needsRuntime, runtime } from '../helpers/environment';
import { sharedRootfs } from '../helpers/rootfs';
import { temporaryDirectory } from '../helpers/temporary';

interface Told {
  state?: string;
  exec?: string;
  output?: string;
  left?: unknown[];
  error?: { code: string; message: string };
  ofRoot?: { code: string; message: string };
}

describe('a process that has dropped root', { skip: needsRuntime() }, () => {
  test('is not dumpable, and its runtimes still read what they are given', async () => {
    const directory = temporaryDirectory('dropped');
    const run = path.join(directory, 'run');
    mkdirSync(run, { mode: 0o700 });
    chownSync(run, 1000, 1000);
    const script = path.join(__dirname, 'fixtures/dropped-root.js');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [script, runtime, directory, sharedRootfs()],
      {
        timeout: 60_000,
      },
    );
    const told = JSON.parse(stdout) as Told;
    assert.equal(told.error, undefined, JSON.stringify(told.error));
    assert.deepEqual(
      { state: told.state, exec: told.exec, output: told.output, left: told.left },
      { state: 'running', exec: 'more\n', output: '0\n', left: [] },
    );
    // What was root's is root's: said, and not tried in vain.
    assert.equal(told.ofRoot?.code, 'ERR_PERMISSION');
    assert.match(told.ofRoot?.message ?? '', /of-root/);
  });
});
