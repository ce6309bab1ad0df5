import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { temporaryDirectory } from '../helpers/temporary';

/** 10,000 take half a minute. */
const kSpawns = Number(process.env.DOBBY_ATTACK_SPAWNS ?? 1000);

const fixtures = path.join(__dirname, '../../../test/fixtures');

describe('descriptors under attack', () => {
  const directory = temporaryDirectory('attack');
  const exact = path.join(directory, 'exact-descriptors');
  const leak = path.join(directory, 'leak-descriptors.so');
  const count = path.join(directory, 'count');
  before(() => {
    execFileSync('cc', ['-O1', '-o', exact, path.join(fixtures, 'exact-descriptors.c')]);
    const flags = ['-O1', '-shared', '-fPIC', '-pthread'];
    execFileSync('cc', [...flags, '-o', leak, path.join(fixtures, 'leak-descriptors.c')]);
    writeFileSync(count, '');
  });

  it(`none of ${kSpawns} programs has any but its plan’s while threads open others`, () => {
    const fixture = path.join(__dirname, 'fixtures/descriptor-attack.js');
    // After a sanitizer's library, which has to be the first.
    const preload = [process.env.LD_PRELOAD ?? '', leak].filter((each) => each !== '').join(':');
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [fixture, exact, String(kSpawns), path.join(directory, 'report')],
      { encoding: 'utf8', env: { ...process.env, LD_PRELOAD: preload, DOBBY_LEAK_COUNT: count } },
    );
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const { inheritable, ...result } = JSON.parse(stdout) as { inheritable: number };
    assert.deepEqual(result, { spawns: kSpawns, wrong: 0, found: '', control: 1 });
    assert.ok(inheritable >= 50, `${inheritable} inheritable descriptors held`);
    const opened = readFileSync(count).readBigUInt64LE();
    assert.ok(opened > BigInt(kSpawns), `${opened} opened meanwhile`);
  });
});
