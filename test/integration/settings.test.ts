import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { DobbyRunC, type OperationEvent } from '../../src/index';
import { newBundle, newDobby, newId, runShell, textOf } from '../helpers/containers';
import { kind, needsRuntime, runtime } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';

describe('settings', { skip: needsRuntime() }, () => {
  test('runtime by name, by path and by default from PATH; getWorkingDir is the root', async () => {
    const directory = temporaryDirectory('path');
    symlinkSync(runtime, path.join(directory, kind));
    const before = process.env.PATH;
    process.env.PATH = directory;
    try {
      assert.equal(new DobbyRunC().getWorkingDir(), `/run/dobby-runc/${kind}`);
      assert.equal(new DobbyRunC({ runtime: kind }).getWorkingDir(), `/run/dobby-runc/${kind}`);
      const root = path.join(directory, 'root');
      const dobby = new DobbyRunC({ runtime: path.join(directory, kind), root });
      assert.equal(dobby.getWorkingDir(), root);
      const container = await dobby.run(newId(), await newBundle(['/bin/true']));
      assert.ok(readdirSync(root).includes(container.containerId));
      await container.exited;
      await container.destroy();
      await dobby[Symbol.asyncDispose]();
    } finally {
      process.env.PATH = before;
    }
  });

  test('logDir keeps the runtime’s log of each container, debug fills it', async () => {
    const logDir = path.join(temporaryDirectory('logs'), 'deep', 'logs');
    const dobby = newDobby({ logDir, debug: true, direct: 'off' });
    const id = newId();
    await assert.rejects(dobby.start(id), { code: 'ERR_CONTAINER_NOT_FOUND' });
    const text = readFileSync(path.join(logDir, `${id}.log`), 'utf8');
    assert.match(text, /"level": ?"error"/);
    await dobby[Symbol.asyncDispose]();
  });

  test('the runtime gets the environment of the option env, and PATH only without it', async () => {
    const directory = temporaryDirectory('env');
    const wrapper = path.join(directory, kind);
    writeFileSync(wrapper, `#!/bin/sh\nenv > ${directory}/env.txt\nexec ${runtime} "$@"\n`);
    chmodSync(wrapper, 0o755);
    const names = (): string[] =>
      readFileSync(path.join(directory, 'env.txt'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0] as string)
        .filter((name) => !['PWD', '_', 'SHLVL', 'OLDPWD'].includes(name));
    const plain = newDobby({ runtime: wrapper, direct: 'off' });
    await plain.state(newId());
    assert.deepEqual(names(), ['PATH']);
    const dressed = newDobby({ runtime: wrapper, direct: 'off', env: { PATH: '/bin:/usr/bin', XYZ: '1 2' } });
    await dressed.state(newId());
    assert.deepEqual(names().sort(), ['PATH', 'XYZ']);
  });

  for (const runtimeImage of ['memfd', 'path'] as const)
    test(`runtimeImage '${runtimeImage}' makes containers; an upgraded runtime is used at once`, async () => {
      const directory = temporaryDirectory('image');
      const own = path.join(directory, kind);
      writeFileSync(own, readFileSync(runtime), { mode: 0o755 });
      const dobby = newDobby({ runtime: own, runtimeImage, direct: 'off' });
      const container = await runShell(dobby, 'echo yes', { stdout: 'pipe' });
      await container.exited;
      assert.equal(await textOf(container.stdout), 'yes\n');
      await container.destroy();
      // "Upgraded" to one that is broken: it has to be noticed.
      writeFileSync(`${own}.new`, '#!/bin/sh\necho upgraded >&2\nexit 3\n', { mode: 0o755 });
      const { renameSync } = await import('node:fs');
      renameSync(`${own}.new`, own);
      await assert.rejects(dobby.list(), { exitCode: 3, stderr: 'upgraded\n', code: 'ERR_RUNTIME_FAILED' });
      await dobby[Symbol.asyncDispose]();
    });

  test('a runtime that goes missing, is no program or may not be executed is told', async () => {
    const directory = temporaryDirectory('broken');
    mkdirSync(path.join(directory, 'root'));
    const make = (name: string, content: string, mode: number): string => {
      const file = path.join(directory, name);
      writeFileSync(file, content, { mode });
      return file;
    };
    for (const [file, code] of [
      [path.join(directory, 'missing'), 'ERR_RUNTIME_NOT_FOUND'],
      [make('no-program', 'neither ELF nor script', 0o755), 'ERR_SPAWN'],
      [make('no-permission', '#!/bin/sh\n', 0o644), 'ERR_SPAWN'],
      [make('no-interpreter', '#!/no/such/interpreter\n', 0o755), 'ERR_RUNTIME_NOT_FOUND'],
      [directory, 'ERR_SPAWN'],
    ] as const) {
      const dobby = newDobby({ runtime: file, root: path.join(directory, 'root') });
      await assert.rejects(dobby.list(), { code }, file);
      await assert.rejects(dobby.create(newId(), await newBundle(['true'])), { code, cleanedUp: true }, file);
    }
  });

  test('createTimeoutMs ends a create that hangs in a hook, completely', async () => {
    const dobby = newDobby({ createTimeoutMs: 400 });
    const bundle = await newBundle(['/bin/true'], {
      hooks: { prestart: [{ path: '/bin/sleep', args: ['sleep', '77.7'] }] },
    });
    const id = newId();
    await assert.rejects(dobby.create(id, bundle, { stdout: 'pipe' }), {
      code: 'ERR_TIMEOUT',
      cleanedUp: true,
    });
    assert.equal(await dobby.state(id), 'unknown');
    assert.ok(!existsSync(path.join(dobby.getWorkingDir(), id)));
    assert.ok(!runs('77.7'));
    // The id can be used at once.
    const container = await dobby.run(id, await newBundle(['/bin/true']));
    assert.equal((await container.exited).code, 0);
    await container.destroy();
    await dobby[Symbol.asyncDispose]();
  });

  test('idRules and stop are obeyed', async () => {
    const dobby = newDobby({ idRules: 'dobby', stop: { signal: 'SIGINT', graceMs: 20_000 } });
    const container = await dobby.run(
      'a._-9',
      await newBundle(['/bin/sh', '-c', 'trap "exit 4" INT; echo up; while :; do sleep 0.02; done']),
      { stdout: 'pipe' },
    );
    await new Promise((resolve) => container.stdout?.once('data', resolve));
    const { code, escalated } = await container.stop();
    assert.deepEqual({ code, escalated }, { code: 4, escalated: false });
    await container.destroy();
  });

  // runc has no such manager.
  if (kind === 'crun')
    test("cgroupManager 'disabled' makes containers without a cgroup", async () => {
      const dobby = newDobby({ cgroupManager: 'disabled' });
      const container = await runShell(dobby, 'cat /proc/self/cgroup', { stdout: 'pipe' });
      await container.exited;
      assert.ok(!(await textOf(container.stdout)).includes(container.containerId));
      await container.destroy();
    });

  test('direct: every verb says which way it took', async () => {
    for (const direct of ['auto', 'off'] as const) {
      const dobby = newDobby({ direct });
      const events: OperationEvent[] = [];
      dobby.on('operation', (event) => events.push(event));
      const container = await runShell(dobby, 'sleep 100');
      await dobby.state(container.containerId);
      await container.pause();
      await container.resume();
      await dobby.killCont(container.containerId, 'SIGKILL');
      await container.exited;
      await container.destroy();
      await dobby.list();
      const ways = Object.fromEntries(events.map(({ op, way }) => [op, way]));
      const way = direct === 'auto' ? 'direct' : 'cli';
      assert.deepEqual(ways, {
        create: 'cli',
        start: way,
        state: way,
        pause: way,
        resume: way,
        kill: way,
        destroy: way,
        list: way,
      });
      assert.ok(
        events.every(
          ({ way: each, why, durationMs }) => (each === 'cli') === (why !== undefined) && durationMs > 0,
        ),
      );
      await dobby[Symbol.asyncDispose]();
    }
  });
});

function runs(word: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
}
