import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Bundle, type BundleSpec, type Container } from '../../src/index';
import { newBundle, newDobby, newId, runShell, textOf, until } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { snapshot } from '../helpers/leaks';
import { makeRootfs } from '../helpers/rootfs';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';
import { compile } from './stand-in';

for (const direct of ['auto', 'off'] as const)
  describe(`a hostile container, direct: ${direct}`, { skip: needsRuntime() }, () => {
    const dobby = dobbyForSuite({ direct });

    test('one that floods its output: memory stays bounded, the loop free, and it can be ended', async () => {
      const outputs = { stdout: 'pipe', stderr: 'buffer' } as const;
      const container = await runShell(dobby, 'yes >&2 & exec yes', outputs);
      const rssBefore = process.memoryUsage().rss;
      let longestMs = 0;
      let last = performance.now();
      const ticker = setInterval(() => {
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
      }, 5);
      // Nobody reads stdout: it is not read for nobody, either.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const grownBytes = process.memoryUsage().rss - rssBefore;
      assert.equal(await dobby.state(container.containerId), 'running');
      await container.kill('SIGKILL');
      assert.equal((await container.exited).signal, 'SIGKILL');
      clearInterval(ticker);
      assert.ok(grownBytes < 100e6, `grew by ${grownBytes} bytes`);
      assert.ok(longestMs < 2000, `the loop stood still for ${longestMs} ms`);
      assert.ok((container.stdout?.readableLength ?? 0) <= 2 * 1024 * 1024);
      container.stdout?.destroy();
      await container.destroy();
    });

    test('one that calls itself ") Z 1 (": state, kill and exit are those of any other', async () => {
      for (const name of [') Z 1 (', ') X 0 0 0', '(((', ' ) S 1\n', '\\377\\376)']) {
        const script = `printf '${name}' > /proc/self/comm; printf '${name}' > /proc/1/comm; echo ready; while :; do sleep 1; done`;
        const container = await runShell(dobby, script, { stdout: 'pipe' });
        await ready(container);
        const comm = readFileSync(`/proc/${container.pid}/comm`, 'latin1');
        assert.ok(comm.includes(name[0] as string) || comm.includes('\u00ff'), `renamed: ${comm}`);
        assert.equal(await dobby.state(container.containerId), 'running', name);
        assert.equal((await dobby.inspect(container.containerId)).pid, container.pid);
        await container.pause();
        assert.equal(await dobby.state(container.containerId), 'paused', name);
        await container.resume();
        const adopter = newDobby({ root: dobby.getWorkingDir(), direct });
        assert.equal((await adopter.adopt(container.containerId)).pid, container.pid);
        await adopter[Symbol.asyncDispose]();
        assert.equal(await container.kill('SIGKILL'), true);
        assert.equal((await container.exited).signal, 'SIGKILL');
        assert.equal(await dobby.state(container.containerId), 'stopped');
        container.stdout?.destroy();
        await container.destroy();
      }
    });

    if (hasPidsLimit())
      test('one that forks without end: its pids limit holds it, exec fails with a code, destroy ends all', async () => {
        const resources = { pids: { limit: 40 } };
        const container = await dobby.run(newId(), await hostileBundle('fork', { resources }));
        const pids = (): number => processesOf(container.pid).length;
        await until(() => pids() >= 20);
        assert.ok(pids() <= 40);
        // There may be room for it or not; it is told either way, and soon.
        await container.exec(['/bin/true'], { timeoutMs: 10_000 }).then(
          (process) => process.exited,
          (error: { code: string }) =>
            assert.match(error.code, /^ERR_(RUNTIME_FAILED|TIMEOUT|CGROUP|BAD_STATE)$/),
        );
        await container.destroy({ force: true });
      });

    test('one that ignores every signal: stop escalates and tells', async () => {
      const ignored = Array.from({ length: 31 }, (_, index) => index + 1).filter((n) => n !== 9 && n !== 19);
      const script = `trap '' ${ignored.join(' ')}; echo ready; while :; do sleep 0.1; done`;
      const container = await runShell(dobby, script, { stdout: 'pipe' });
      await ready(container);
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const)
        await dobby.killCont(container.containerId, signal);
      const status = await container.stop({ graceMs: 100 });
      assert.deepEqual([status.signal, status.escalated], ['SIGKILL', true]);
      container.stdout?.destroy();
      await container.destroy();
    });

    test('a process that leaves another on its terminal: its exit is told, and the terminal goes on', async () => {
      const container = await runShell(dobby, 'sleep 1000');
      const script =
        'trap "" HUP; (trap "" HUP; sleep 0.6; echo later; sleep 1000) & sleep 0.05; echo first; exit 7';
      const process = await container.exec(['/bin/sh', '-c', script], { tty: true });
      let text = '';
      process.tty?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      const startMs = performance.now();
      assert.equal((await process.exited).code, 7);
      assert.ok(performance.now() - startMs < 5000);
      assert.ok(text.includes('first'));
      await container.destroy({ force: true });
      await until(() => process.tty?.fd === -1);
    });

    test('a process that leaves another with its output pipes: its exit is told, and destroy closes them', async () => {
      const container = await runShell(dobby, 'sleep 1000');
      const process = await container.exec(['/bin/sh', '-c', '(sleep 1000) & echo first; exit 7'], {
        stdout: 'pipe',
        stderr: 'buffer',
      });
      assert.equal((await process.exited).code, 7);
      const text = textOf(process.stdout);
      await container.destroy({ force: true });
      assert.equal(await text, 'first\n');
    });

    test('one that sends descriptors over whatever it is given: none arrives here', async () => {
      const bundle = await hostileBundle('send');
      const descriptorsBefore = snapshot().descriptors.length;
      const container = await dobby.run(newId(), bundle, { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
      assert.match(await textOf(container.stdout), /tried/);
      assert.equal((await container.exited).code, 0);
      container.stderr?.destroy();
      await container.destroy();
      assert.ok(snapshot().descriptors.length <= descriptorsBefore);
    });

    test('one that rewrites its own state directory’s bundle can’t make itself another', async () => {
      const bundle = await newBundle(['/bin/sleep', '1000']);
      const container = await dobby.run(newId(), bundle);
      const config = path.join(bundle.path, 'config.json');
      writeFileSync(
        config,
        JSON.stringify({ linux: { cgroupsPath: '/', namespaces: [] }, process: { args: ['/x'] } }),
      );
      assert.equal(await dobby.state(container.containerId), 'running');
      await container.destroy({ force: true });
    });
  });

/** A bundle that runs native/fault/hostile.c. */
async function hostileBundle(what: string, spec: Partial<BundleSpec> = {}): Promise<Bundle> {
  const rootfs = makeRootfs(path.join(temporaryDirectory('rootfs'), 'rootfs'));
  const program = path.join(rootfs, 'bin/hostile');
  copyFileSync(compile('hostile.c', ['-static']), program);
  chmodSync(program, 0o755);
  return await Bundle.create(temporaryDirectory('bundle'), { rootfs, args: ['/bin/hostile', what], ...spec });
}

/** In cgroup v2 the controller may be bound to v1 on this machine. */
function hasPidsLimit(): boolean {
  const controllers = '/sys/fs/cgroup/cgroup.controllers';
  return !existsSync(controllers) || readFileSync(controllers, 'utf8').split(/\s/).includes('pids');
}

async function ready(container: Container): Promise<void> {
  let text = '';
  container.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await until(() => text.includes('ready'));
}

/** The processes in the same cgroup, by the pids controller of either version. */
function processesOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const line = lines.find((each) => each.split(':')[1] === 'pids') ?? lines.at(-1) ?? '';
  const [, controllers, where] = line.split(':') as [string, string, string];
  const file = path.join('/sys/fs/cgroup', controllers, where, 'cgroup.procs');
  return readFileSync(file, 'latin1').trim().split('\n');
}
