import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { needsRuntime } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';

const fixtures = path.join(__dirname, '../../../test/fixtures');

describe('descriptors under attack', { skip: needsRuntime() }, () => {
  test('containers have what was asked for and nothing else while threads of this process open others', () => {
    const directory = temporaryDirectory('attack');
    const leak = path.join(directory, 'leak-descriptors.so');
    const count = path.join(directory, 'count');
    writeFileSync(count, '');
    const flags = ['-O1', '-shared', '-fPIC', '-pthread'];
    execFileSync('cc', [...flags, '-o', leak, path.join(fixtures, 'leak-descriptors.c')]);
    // After a sanitizer's library, which has to be the first.
    const preload = [process.env.LD_PRELOAD ?? '', leak].filter((each) => each !== '').join(':');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(__dirname, 'fixtures/exact-descriptors.js')],
      {
        encoding: 'utf8',
        env: { ...process.env, LD_PRELOAD: preload, DOBBY_LEAK_COUNT: count, DOBBY_WAIT_MS: '500' },
      },
    );
    assert.equal(stderr, '');
    const { seen } = JSON.parse(stdout) as { seen: Record<string, string> };
    assert.deepEqual(seen, {
      'init 0': '0 1 2',
      'exec 0': '0 1 2',
      'init 1': '0 1 2 3',
      'exec 1': '0 1 2 3',
      'init 5': '0 1 2 3 4 5 6 7',
      'exec 5': '0 1 2 3 4 5 6 7',
    });
    const opened = readFileSync(count).readBigUInt64LE();
    assert.ok(opened > 100n, `${opened} opened meanwhile`);
  });
});
