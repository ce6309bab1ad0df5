// A container's life asserted only where every machine is the same: it also runs in emulators and on kernels that
// neither make us a subreaper nor tell the exit status of a process that is not our child.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ContainerStatus, type ExitStatus } from '../../src/index';
import { newBundle, newDobby, newId, textOf } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';

function isEnd(status: ExitStatus, code: number): boolean {
  return status.source === 'unobserved' ? status.code === null : status.code === code;
}

for (const direct of ['auto', 'off'] as const)
  describe(`a whole life, direct: ${direct}`, { skip: needsRuntime() }, () => {
    test('create, start, exec, pause, resume, stop and destroy', async () => {
      await using dobby = newDobby({ direct });
      const id = newId();
      const script = 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done';
      const bundle = await newBundle(['/bin/sh', '-c', script]);
      await using container = await dobby.create(id, bundle, { stdout: 'pipe' });
      const printed = textOf(container.stdout);
      assert.equal(await dobby.state(id), ContainerStatus.Created);
      await container.start();
      assert.equal(await dobby.state(id), ContainerStatus.Running);
      assert.deepEqual(
        (await dobby.list()).map((item) => [item.id, item.status]),
        [[id, 'running']],
      );

      const child = await container.exec(['/bin/sh', '-c', 'echo "$A"; exit 3'], {
        stdout: 'pipe',
        env: { A: 'a b' },
      });
      assert.equal(await textOf(child.stdout), 'a b\n');
      const end = await child.exited;
      assert.ok(isEnd(end, 3), JSON.stringify(end));

      await container.pause();
      assert.equal(await dobby.state(id), ContainerStatus.Paused);
      await container.resume();
      const stopped = await container.stop({ graceMs: 10_000 });
      assert.ok(isEnd(stopped, 7) && !stopped.escalated, JSON.stringify(stopped));
      assert.equal(await printed, 'up\n');
      await container.destroy();
      assert.equal(await dobby.state(id), ContainerStatus.Unknown);
    });

    test('a terminal', async () => {
      await using dobby = newDobby({ direct });
      const bundle = await newBundle(['/bin/sh', '-c', 'stty size; read line; echo "got $line"'], {
        terminal: true,
      });
      await using container = await dobby.run(newId(), bundle, { tty: { cols: 90, rows: 30 } });
      container.tty?.write('hello\n');
      const text = await textOf(container.tty);
      assert.match(text, /30 90/);
      assert.match(text, /got hello/);
    });
  });
