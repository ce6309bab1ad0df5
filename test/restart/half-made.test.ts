import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { findMakers } from '../../src/command-line/half-made';
import type { RuntimeError } from '../../src/index';
import { descendants, endTree } from '../../src/process/tree';
import { resolveSettings } from '../../src/runtime/options';
import { newBundle, newDobby, newId, until } from '../helpers/containers';
import { kind, needsRuntime, runtime } from '../helpers/environment';
import { leftSince, snapshot } from '../helpers/leaks';
import { temporaryDirectory } from '../helpers/temporary';
import { abandonedCalls } from './processes';

const calls = '/run/dobby-runc';

/** Hangs the runtime half way: its hook runs when the cgroup and the namespaces are there. */
const hangs = { hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 1000 & wait'] }] } };

describe('half-made containers', { skip: needsRuntime() }, () => {
  test('the next process waits for a runtime that hangs, ends it in time, and leaves nothing', async () => {
    const clean = snapshot();
    const { root, id, child } = await hungCreate();
    await kill(child);
    const startedMs = performance.now();
    const dobby = newDobby({ root, createTimeoutMs: 1000 });
    const listed = await dobby.list();
    assert.deepEqual(listed, []);
    assert.ok(performance.now() - startedMs < 4000);
    assert.deepEqual(await dobby.leftovers(), []);
    const again = await dobby.create(id, await newBundle(['/bin/true']));
    await again.destroy({ force: true });
    await dobby[Symbol.asyncDispose]();
    await assertNothingLeft(clean, root);
  });

  test('a runtime killed together with its caller: the next process removes what it had made', async () => {
    const clean = snapshot();
    const { root, id, child } = await hungCreate();
    const exited = once(child, 'exit');
    await endTree(child.pid as number, exited);
    await exited;
    const dobby = newDobby({ root });
    await dobby.list();
    assert.equal(existsSync(path.join(root, id)), false);
    await dobby[Symbol.asyncDispose]();
    await assertNothingLeft(clean, root);
  });

  test('destroy with force ends the runtime of another living process; without force it says who is at work', async () => {
    const clean = snapshot();
    const { root, id, child } = await hungCreate();
    const dobby = newDobby({ root });
    assert.equal(await dobby.state(id), 'unknown');
    assert.deepEqual(await dobby.leftovers(), [], 'a runtime is at work on it');
    if (kind === 'crun')
      await assert.rejects(dobby.destroy(id), (error: RuntimeError) => error.code === 'ERR_BAD_STATE');
    await dobby.destroy(id, { force: true });
    await kill(child);
    await dobby[Symbol.asyncDispose]();
    const after = newDobby({ root });
    assert.deepEqual(await after.list(), []);
    await after[Symbol.asyncDispose]();
    await assertNothingLeft(clean, root);
  });

  test('a directory without a state file is not listed, is a leftover, and can be destroyed', async () => {
    const root = path.join(temporaryDirectory('leftover'), 'root');
    mkdirSync(path.join(root, 'left'), { recursive: true });
    writeFileSync(path.join(root, 'left', 'config.json'), '{}');
    const dobby = newDobby({ root });
    assert.deepEqual(await dobby.list(), []);
    assert.deepEqual(await dobby.leftovers(), ['left']);
    await dobby.destroy('left');
    assert.deepEqual(await dobby.leftovers(), []);
    assert.deepEqual(readdirSync(root), []);
    await assert.rejects(
      dobby.destroy('left'),
      (error: RuntimeError) => error.code === 'ERR_CONTAINER_NOT_FOUND',
    );
    await dobby[Symbol.asyncDispose]();
  });

  // runc has one file only.
  if (kind === 'crun')
    test('a container whose deletion was cut off: without crun’s copy of its configuration it can still be destroyed', async () => {
      const clean = snapshot();
      const root = path.join(temporaryDirectory('cut-off'), 'root');
      const dobby = newDobby({ root });
      const id = newId('cut-off');
      const cgroupsPath = `/other-${id}`;
      const container = await dobby.run(id, await newBundle(['/bin/sleep', '1000'], { cgroupsPath }));
      unlinkSync(path.join(root, id, 'config.json'));
      // Until its program is exec'd, its init looks like the runtime that makes it.
      await until(async () => (await dobby.leftovers()).includes(id));
      await dobby.destroy(id, { force: true });
      assert.equal((await container.exited).signal, 'SIGKILL');
      assert.deepEqual(await dobby.list(), []);
      await dobby[Symbol.asyncDispose]();
      await assertNothingLeft(clean, root);
    });

  test('call directories of dead processes go, those of living ones and of reused pids are told apart', async () => {
    mkdirSync(calls, { recursive: true, mode: 0o700 });
    const names = [`call-${process.pid}-1-reused`, 'call-999999999-1-dead', 'call-12-old'];
    for (const name of names) mkdirSync(path.join(calls, name));
    const dobby = newDobby();
    assert.deepEqual(
      readdirSync(calls).filter((name) => names.includes(name)),
      [],
    );
    await dobby[Symbol.asyncDispose]();
  });
});

/** A process with a create under way that does not end. */
async function hungCreate(): Promise<{ root: string; id: string; child: ChildProcess }> {
  const root = path.join(temporaryDirectory('half'), 'root');
  const id = newId('half');
  const { path: bundle } = await newBundle(['/bin/true'], { ...hangs, cgroupsPath: `/other-${id}` });
  const child = spawn(process.execPath, [path.join(__dirname, 'create-one.js'), root, id, bundle], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const settings = resolveSettings({ runtime, root });
  await until(() => existsSync(path.join(root, id)) && findMakers(settings, id).length > 0);
  await until(() => hookRuns(child.pid as number));
  return { root, id, child };
}

function hookRuns(pid: number): boolean {
  return descendants(pid).some((each) => {
    try {
      return readFileSync(`/proc/${each}/cmdline`, 'latin1').startsWith('sleep\0');
    } catch {
      return false;
    }
  });
}

async function kill(child: ChildProcess): Promise<void> {
  // It ends by itself when its create has failed.
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function assertNothingLeft(clean: ReturnType<typeof snapshot>, root: string): Promise<void> {
  // crun 1.28 keeps an empty directory of its own there, which no id can be called like.
  const ids = readdirSync(root).filter((name) => !name.startsWith('.'));
  assert.deepEqual(ids, [], 'state directories');
  assert.deepEqual(abandonedCalls(), [], 'call directories');
  // A runtime that was killed and came to us as an orphan stays a zombie for up to ten seconds (native/orphans.h).
  const isExpected = (line: string): boolean =>
    /^(temporaryFiles|descriptors): |^children: zombie /.test(line);
  assert.deepEqual(await leftSince(clean, { isExpected }), []);
}
