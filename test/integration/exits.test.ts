import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Container, ContainerProcess } from '../../src/index';
import { newBundle, newDobby, newId, runShell } from '../helpers/containers';
import { cgroup, needsRuntime, runtime } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';

const rounds = 200;

describe('exits', { skip: needsRuntime() }, () => {
  test('the bare runtime: an exec’d zombie that nobody reaps keeps the container from ending', async () => {
    const run = promisify(execFile);
    const root = path.join(temporaryDirectory('bare'), 'root');
    const id = newId('bare');
    const bundle = await newBundle(['/bin/sh', '-c', 'sleep 0.4']);
    // As the original: its manager is the subreaper, and waits for none but the runtime's processes. Here that is
    // a program of its own, so that nobody reaps behind its back.
    const script = `
      const { native } = require(${JSON.stringify(require.resolve('../../src/native'))});
      const { execFileSync } = require('node:child_process');
      native.subreaper(1);
      const runtime = (...args) => execFileSync(process.argv[1], ['--root', process.argv[2], ...args], { stdio: 'ignore' });
      runtime('run', '--detach', '--bundle', process.argv[4], process.argv[3]);
      runtime('exec', '--detach', process.argv[3], '/bin/true');
      const end = Date.now() + 1500;
      const status = () => JSON.parse(execFileSync(process.argv[1], ['--root', process.argv[2], 'state', process.argv[3]])).status;
      while (Date.now() < end && status() !== 'stopped') ;
      const before = status();
      native.reapOrphans(0); native.reapOrphans(0); native.reapOrphans(0);
      const settle = Date.now() + 1500;
      while (Date.now() < settle && status() !== 'stopped') native.reapOrphans(0);
      console.log(before + ' ' + status());
      runtime('delete', '--force', process.argv[3]);`;
    const { stdout } = await run(process.execPath, ['-e', script, runtime, root, id, bundle.path]);
    assert.equal(stdout.trim(), 'running stopped');
  });

  test(`a container with ten exec’d processes ends at once with its init, every status right, ${rounds} times`, async (t) => {
    const dobby = newDobby();
    const bundle = await newBundle(['/bin/sh', '-c', 'read line; exit 11']);
    const children: Array<Promise<number>> = [];
    const late: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const container = await dobby.run(newId(), bundle, { stdin: 'pipe' });
      children.push(childExit(round % 100));
      const commands = [...exiting, ...killed, ...running].map(({ script }) => script);
      const processes = await Promise.all(
        commands.map((script) => container.exec(['/bin/sh', '-c', script])),
      );
      const expected = [...exiting, ...killed, ...running];
      for (const [index, process] of processes.entries())
        if (killed.some((each) => each === expected[index])) await process.kill('SIGKILL');
      await Promise.all(processes.slice(0, exiting.length + killed.length).map((process) => process.exited));
      const startedAt = performance.now();
      container.stdin?.end('go\n');
      const status = await container.exited;
      late.push(performance.now() - startedAt);
      assert.equal(status.code, 11);
      const seen = await Promise.all(processes.map(statusOf));
      assert.deepEqual(
        seen,
        expected.map(({ code, signal }) => ({ code, signal })),
      );
      await container.destroy();
    }
    assert.deepEqual(
      await Promise.all(children),
      children.map((_, round) => round % 100),
    );
    late.sort((a, b) => a - b);
    t.diagnostic(`ms from its init's end to exited: median ${late[rounds / 2]}, most ${late.at(-1)}`);
    // No measurement of speed: with a zombie that nobody reaps it never ends.
    assert.deepEqual(
      late.filter((ms) => ms > 2000),
      [],
    );
    await dobby[Symbol.asyncDispose]();
  });

  test('reaper off: exec still tells the exit code, and the container its own', async () => {
    const dobby = newDobby({ reaper: 'off' });
    const container = await runShell(dobby, 'sleep 100');
    const processes = await Promise.all(
      [0, 3, 77].map((code) => container.exec(['/bin/sh', '-c', `exit ${code}`])),
    );
    assert.deepEqual(
      await Promise.all(processes.map(async (process) => (await process.exited).code)),
      [0, 3, 77],
    );
    await container.destroy({ force: true });
    await dobby[Symbol.asyncDispose]();
  });

  test('an out-of-memory kill is told', async (t) => {
    const dobby = newDobby();
    const memory = { limit: 16 * 1024 * 1024, swap: 16 * 1024 * 1024 };
    const container = await runShell(
      dobby,
      'head -c 100000000 /dev/zero | tail',
      { stdout: 'ignore' },
      { resources: { memory }, args: ['/bin/sh', '-c', 'exec tail /dev/zero'] },
    ).catch((error: unknown) => {
      // The bare v2 tree of a hybrid machine has no memory controller.
      if (/memory/.test(String(error))) return null;
      throw error;
    });
    if (!container) {
      t.diagnostic('no memory controller here');
      return;
    }
    const status = await container.exited;
    assert.equal(status.signal, 'SIGKILL');
    assert.equal(status.oomKilled, true);
    await container.destroy();
    await dobby[Symbol.asyncDispose]();
  });

  test('an out-of-memory kill of a child is not the end of its container, whoever ends that later', async (t) => {
    if (cgroup === 'v2') {
      t.diagnostic('no memory controller in the bare v2 tree of a hybrid machine');
      return;
    }
    const dobby = newDobby();
    const memory = { limit: 16 * 1024 * 1024, swap: 16 * 1024 * 1024 };
    const script = 'tail /dev/zero; echo "child $?"; sleep 1000';
    const oomed = async () => {
      const container = await runShell(dobby, script, { stdout: 'pipe' }, { resources: { memory } });
      const [said] = (await once(container.stdout as Readable, 'data')) as [Buffer];
      assert.equal(said.toString(), 'child 137\n');
      return container;
    };
    const ends: ReadonlyArray<[string, (container: Container) => Promise<unknown>]> = [
      ['kill', (container) => container.kill('SIGKILL')],
      ['killCont', (container) => dobby.killCont(container.containerId, 'SIGKILL')],
      ['stop', (container) => container.stop({ graceMs: 10 })],
      ['destroy', (container) => container.destroy({ force: true })],
    ];
    for (const [how, end] of ends) {
      const container = await oomed();
      const exec = await container.exec(['/bin/sleep', '1000']);
      await end(container);
      const { signal, oomKilled } = await container.exited;
      assert.deepEqual({ signal, oomKilled }, { signal: 'SIGKILL', oomKilled: false }, how);
      await exec.exited;
      if (how !== 'destroy') await container.destroy();
    }
    const adopted = await oomed();
    const other = newDobby({ root: dobby.getWorkingDir() });
    const there = await other.adopt(adopted.containerId);
    process.kill(adopted.pid, 'SIGKILL');
    assert.equal((await there.exited).oomKilled, false);
    await adopted.destroy();
    await other[Symbol.asyncDispose]();
    await dobby[Symbol.asyncDispose]();
  });

  test('unref lets the program end while its container runs; ref keeps it', async () => {
    const run = promisify(execFile);
    const root = path.join(temporaryDirectory('ref'), 'root');
    const bundle = await newBundle(['/bin/sh', '-c', 'sleep 0.7']);
    const script = `
      const { DobbyRunC } = require(${JSON.stringify(require.resolve('../../src/index'))});
      (async () => {
        const dobby = new DobbyRunC({ runtime: process.argv[1], root: process.argv[2] });
        const container = await dobby.run(process.argv[3], process.argv[4]);
        if (process.argv[5] !== 'kept') container.unref();
        if (process.argv[5] === 'again') container.ref();
        container.exited.then((status) => console.log('exited ' + status.code));
        process.on('exit', () => console.log('end'));
      })();`;
    const outputs = await Promise.all(
      ['kept', 'unref', 'again'].map((how) =>
        run(process.execPath, ['-e', script, runtime, root, newId(how), bundle.path, how]),
      ),
    );
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout),
      ['exited 0\nend\n', 'end\n', 'exited 0\nend\n'],
    );
    const dobby = newDobby({ root });
    for (const { id } of await dobby.list()) {
      await dobby.wait(id);
      await dobby.destroy(id);
    }
    await dobby[Symbol.asyncDispose]();
  });
});

interface Expected {
  script: string;
  code: number | null;
  signal: string | null;
}

const exiting: Expected[] = [0, 1, 2, 200].map((code) => ({ script: `exit ${code}`, code, signal: null }));
const killed: Expected[] = [1, 2, 3].map(() => ({ script: 'sleep 100', code: null, signal: 'SIGKILL' }));
// Still running when the init ends: the kernel kills them.
const running: Expected[] = [1, 2, 3].map(() => ({ script: 'sleep 100; :', code: null, signal: 'SIGKILL' }));

async function statusOf(process: ContainerProcess): Promise<{ code: number | null; signal: string | null }> {
  const { code, signal } = await process.exited;
  return { code, signal };
}

function childExit(code: number): Promise<number> {
  return new Promise((resolve) => {
    spawn('/bin/sh', ['-c', `exit ${code}`]).on('exit', (exitCode) => resolve(exitCode ?? -1));
  });
}
