import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { ContainerStatus, RuntimeError } from '../../src/index';
import { newBundle, newId, runShell, textOf, until } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

for (const direct of ['auto', 'off'] as const)
  describe(`operations, direct: ${direct}`, { skip: needsRuntime() }, () => {
    const dobby = dobbyForSuite({ direct });

    test('a container goes from created to running to stopped to unknown', async () => {
      const id = newId();
      const container = await dobby.create(id, await newBundle(['/bin/sleep', '100']));
      assert.equal(container.containerId, id);
      assert.ok(container.pid > 1 && container.runtimePid > 1 && container.pid !== container.runtimePid);
      assert.equal(await dobby.state(id), ContainerStatus.Created);
      await container.start();
      assert.equal(await dobby.state(id), ContainerStatus.Running);
      await container.kill('SIGKILL');
      assert.deepEqual(pick(await container.exited), { code: null, signal: 'SIGKILL', source: 'waitid' });
      assert.equal(await dobby.state(id), ContainerStatus.Stopped);
      await container.destroy();
      assert.equal(await dobby.state(id), ContainerStatus.Unknown);
    });

    test('stdout is read to its last byte before exited resolves, with the exit code', async () => {
      const container = await runShell(dobby, 'echo out; echo err >&2; exit 7', {
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const status = await container.exited;
      assert.equal(container.stdout?.readableLength, 4);
      assert.equal(status.code, 7);
      assert.equal(status.coreDumped, false);
      assert.equal(status.oomKilled, false);
      assert.ok(Math.abs(status.at.getTime() - Date.now()) < 10_000);
      assert.equal(await textOf(container.stdout), 'out\n');
      assert.equal(await textOf(container.stderr), 'err\n');
      await container.destroy();
    });

    test('exec tells the exit code, the output and the pid pair of its process', async () => {
      const container = await runShell(dobby, 'sleep 100');
      const process = await container.exec(['/bin/sh', '-c', 'echo "$A $PWD"; id -u; exit 3'], {
        stdout: 'pipe',
        env: { A: 'a b' },
        cwd: '/tmp',
        user: '12:34',
      });
      assert.ok(process.pid > 1 && process.runtimePid > 1);
      assert.equal((await process.exited).code, 3);
      assert.equal(await textOf(process.stdout), 'a b /tmp\n12\n');
      await container.destroy({ force: true });
    });

    test('exec of a program that is not there rejects with ERR_EXEC_NOT_FOUND', async () => {
      const container = await runShell(dobby, 'sleep 100');
      await assert.rejects(container.exec(['/no/such/program']), { code: 'ERR_EXEC_NOT_FOUND' });
      await container.destroy({ force: true });
    });

    test('pause and resume stop and continue a container', async () => {
      const container = await runShell(dobby, 'while :; do echo x; sleep 0.01; done', { stdout: 'pipe' });
      let count = 0;
      container.stdout?.on('data', () => count++);
      await until(() => count > 3);
      await container.pause();
      assert.equal(await dobby.state(container.containerId), ContainerStatus.Paused);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const paused = count;
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(count, paused);
      await container.resume();
      assert.equal(await dobby.state(container.containerId), ContainerStatus.Running);
      await until(() => count > paused + 3);
      await container.destroy({ force: true });
    });

    test('a container can be paused at once after its start, in the middle of its exec', async () => {
      const bundle = await newBundle(['/bin/sleep', '100']);
      for (let round = 0; round < 10; round++) {
        const container = await dobby.create(newId(), bundle);
        await Promise.all([container.start(), container.pause()]);
        assert.equal(await dobby.state(container.containerId), ContainerStatus.Paused);
        await container.resume();
        await container.destroy({ force: true });
      }
    });

    test('list has every container, in the form of ContainerListItem', async () => {
      const bundle = await newBundle(['/bin/sleep', '100'], { annotations: { 'org.test': 'yes' } });
      const first = await dobby.create(newId(), bundle);
      const second = await dobby.run(newId(), bundle);
      const items = await dobby.list();
      assert.deepEqual(
        items.map(({ id, pid, status, bundlePath }) => ({ id, pid, status, bundlePath })).sort(byId),
        [
          { id: first.containerId, pid: first.pid, status: 'created', bundlePath: bundle.path },
          { id: second.containerId, pid: second.pid, status: 'running', bundlePath: bundle.path },
        ].sort(byId),
      );
      assert.ok(items.every((item) => item.created instanceof Date));
      await Promise.all([first.destroy({ force: true }), second.destroy({ force: true })]);
    });

    test('killCont sends any signal, by name and by number, and only one', async () => {
      const container = await runShell(
        dobby,
        'trap "echo usr1" USR1; trap "echo winch" WINCH; trap "echo term" TERM; trap "echo rt" 40; echo ready; while :; do sleep 0.02; done',
        { stdout: 'pipe' },
      );
      let text = '';
      container.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await until(() => text.includes('ready'));
      for (const [signal, word] of [
        ['SIGUSR1', 'usr1'],
        [28, 'winch'],
        ['SIGTERM', 'term'],
        [40, 'rt'],
      ] as const) {
        await dobby.killCont(container.containerId, signal);
        await until(() => text.includes(word));
      }
      assert.equal(await dobby.state(container.containerId), ContainerStatus.Running);
      assert.equal(text, 'ready\nusr1\nwinch\nterm\nrt\n');
      await dobby.killCont(container.containerId, 'SIGKILL', { all: true });
      assert.equal((await container.exited).signal, 'SIGKILL');
      await container.destroy();
    });

    test('killCont with all sends any signal to every process', async () => {
      const loop = (name: string): string =>
        `trap "echo ${name}" TERM; echo ready; while :; do sleep 0.02; done`;
      const container = await runShell(dobby, `(${loop('child')}) & ${loop('init')}`, { stdout: 'pipe' });
      let text = '';
      container.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await until(() => text === 'ready\nready\n');
      await dobby.killCont(container.containerId, 'SIGTERM', { all: true });
      await until(() => text.includes('child') && text.includes('init'));
      assert.equal(await dobby.state(container.containerId), ContainerStatus.Running);
      await container.destroy({ force: true });
    });

    test('stop ends a container that obeys, and escalates for one that does not', async () => {
      const obedient = await runShell(dobby, 'trap "exit 5" TERM; while :; do sleep 0.02; done');
      await new Promise((resolve) => setTimeout(resolve, 100));
      const first = await obedient.stop({ graceMs: 5000 });
      assert.equal(first.escalated, false);
      assert.equal(first.code, 5);
      const deaf = await runShell(dobby, 'trap "" TERM; while :; do sleep 0.02; done');
      await new Promise((resolve) => setTimeout(resolve, 100));
      const second = await dobby.stop(deaf.containerId, { graceMs: 50 });
      assert.equal(second.escalated, true);
      assert.equal(second.signal, 'SIGKILL');
      await Promise.all([obedient.destroy(), deaf.destroy()]);
    });

    test('stop ends a paused container', async () => {
      const container = await runShell(dobby, "trap '' TERM; echo ready; sleep 100", { stdout: 'pipe' });
      await once(container.stdout as Readable, 'data');
      await container.pause();
      const status = await container.stop({ graceMs: 50 });
      assert.equal(status.signal, 'SIGKILL');
      await container.destroy();
    });

    test('wait resolves with the exit status that exited has', async () => {
      const container = await runShell(dobby, 'sleep 0.05; exit 9');
      assert.deepEqual(await dobby.wait(container.containerId), await container.exited);
      await container.destroy();
    });

    test('destroy of a running container falls back to the forced delete', async () => {
      const container = await runShell(dobby, 'sleep 100');
      await container.destroy();
      assert.equal((await container.exited).signal, 'SIGKILL');
      assert.equal(await dobby.state(container.containerId), ContainerStatus.Unknown);
    });

    test('an unknown container: state says unknown, the rest rejects with ERR_CONTAINER_NOT_FOUND', async () => {
      const id = newId('missing');
      assert.equal(await dobby.state(id), ContainerStatus.Unknown);
      const notFound = { code: 'ERR_CONTAINER_NOT_FOUND' };
      await assert.rejects(dobby.inspect(id), notFound);
      await assert.rejects(dobby.start(id), notFound);
      await assert.rejects(dobby.killCont(id, 'SIGTERM'), notFound);
      await assert.rejects(dobby.pause(id), notFound);
      await assert.rejects(dobby.resume(id), notFound);
      await assert.rejects(dobby.exec(id, ['true']), notFound);
      await assert.rejects(dobby.exec(id, ['true'], { env: { A: 'b' } }), notFound);
      await assert.rejects(dobby.destroy(id), notFound);
      await assert.rejects(dobby.wait(id), notFound);
      await assert.rejects(dobby.stop(id), notFound);
    });

    test('wrong states are told as ERR_BAD_STATE, an id taken as ERR_CONTAINER_EXISTS', async () => {
      const bundle = await newBundle(['/bin/sleep', '100']);
      const container = await dobby.run(newId(), bundle);
      await assert.rejects(dobby.create(container.containerId, bundle), { code: 'ERR_CONTAINER_EXISTS' });
      assert.equal(await dobby.state(container.containerId), ContainerStatus.Running);
      await assert.rejects(container.start(), (error: unknown) => {
        assert.ok(error instanceof RuntimeError);
        assert.equal(error.code, 'ERR_BAD_STATE');
        assert.equal(error.op, 'start');
        assert.equal(error.containerId, container.containerId);
        assert.equal(error.exitCode, 1);
        assert.ok(error.argv.includes('start'));
        assert.ok(error.log.length > 5 && error.message.includes(error.log), error.message);
        return true;
      });
      await container.destroy({ force: true });
    });

    test('files[i] is descriptor 3+i, and configPath and pidFile are obeyed', async () => {
      const { openSync, closeSync, writeFileSync } = await import('node:fs');
      const directory = temporaryDirectory('files');
      const data = path.join(directory, 'data');
      writeFileSync(data, 'hello');
      const bundle = await newBundle(['/bin/false']);
      const other = await newBundle(['/bin/sh', '-c', 'cat <&3; cat <&4; exit 4']);
      const fds = [openSync(data, 'r'), openSync(data, 'r')];
      const pending = dobby.create(newId(), bundle, {
        files: fds,
        stdout: 'pipe',
        configPath: path.join(other.path, 'config.json'),
        pidFile: path.join(directory, 'pid'),
      });
      for (const fd of fds) closeSync(fd);
      const container = await pending;
      assert.equal(readFileSync(path.join(directory, 'pid'), 'utf8'), String(container.pid));
      await container.start();
      assert.equal((await container.exited).code, 4);
      assert.equal(await textOf(container.stdout), 'hellohello');
      await container.destroy();
      assert.ok(!existsSync(path.join(dobby.getWorkingDir(), container.containerId)));
    });
  });

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}

function pick({ code, signal, source }: { code: unknown; signal: unknown; source: unknown }): object {
  return { code, signal, source };
}
