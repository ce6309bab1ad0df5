import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { statFields } from '../../src/proof/differential/observe';
import {
  cgroupHierarchies,
  cgroupMode,
  freezerOf,
  relativeCgroup,
  removeCgroup,
  setFrozen,
} from '../../src/runtime/cgroup';
import { readSmallText } from '../../src/system/small-file';
import { cgroup, needsRuntime } from '../helpers/environment';

describe('relativeCgroup', () => {
  it('takes the path apart and refuses to climb', () => {
    assert.equal(relativeCgroup('/a//b/'), 'a/b');
    assert.equal(relativeCgroup('a/./b'), 'a/b');
    for (const path of ['', '/', '..', '/a/../..']) {
      assert.throws(() => relativeCgroup(path), { name: 'Unfamiliar' }, path);
    }
  });
});

describe('cgroups of this row', { skip: needsRuntime() }, () => {
  const relative = `dobby-cgroup-test-${process.pid}`;

  it('are found in every hierarchy', () => {
    const mode = cgroupMode();
    assert.equal(mode === 'unified', cgroup === 'v2');
    const hierarchies = cgroupHierarchies(mode);
    assert.ok(hierarchies.length > 0);
    for (const hierarchy of hierarchies) assert.ok(existsSync(`${hierarchy}/cgroup.procs`), hierarchy);
  });

  it('are frozen, thawed and removed, and each is seen to be done', async () => {
    const freezer = freezerOf(cgroupMode(), relative);
    const directory = freezer.file.slice(0, freezer.file.lastIndexOf('/'));
    mkdirSync(directory);
    const child = spawn('/bin/sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const pid = child.pid ?? 0;
      writeFileSync(`${directory}/cgroup.procs`, String(pid));
      assert.equal(removeCgroup(directory), false);
      await setFrozen(freezer, true);
      const usedTicks = statFields(pid)[11];
      await delay(60);
      assert.equal(statFields(pid)[11], usedTicks, 'it runs although it is frozen');
      await setFrozen(freezer, true);
      await setFrozen(freezer, false);
      assert.match(readSmallText(freezer.file) ?? '', freezer.isUnified ? /^0$/m : /^THAWED$/m);
    } finally {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      writeFileSync(freezer.file, freezer.isUnified ? '0' : 'THAWED');
      await exited;
    }
    assert.equal(readFileSync(`${directory}/cgroup.procs`, 'utf8'), '');
    assert.equal(removeCgroup(directory), true);
    assert.equal(removeCgroup(directory), true, 'one that is gone is removed');
    assert.equal(readSmallText(freezer.file), null);
    await assert.rejects(setFrozen(freezer, true), { code: 'ENOENT' });
    if (existsSync(directory)) rmdirSync(directory);
  });
});
