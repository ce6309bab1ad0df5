import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Container, DobbyRunC } from '../../src/index';
import { leftOver, newDobby, runShell, textOf, warmUp } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import type { Snapshot } from '../helpers/leaks';

describe('exec', { skip: needsRuntime() }, () => {
  let dobby: DobbyRunC;
  let clean: Snapshot;
  let container: Container;
  before(async () => {
    dobby = newDobby();
    clean = await warmUp(dobby);
    container = await runShell(dobby, 'sleep 1000', {}, { env: { BASE: 'base' }, noNewPrivileges: false });
  });
  after(async () => {
    await container.destroy({ force: true });
    assert.deepEqual(await leftOver(clean), []);
    await dobby[Symbol.asyncDispose]();
  });

  async function outputOf(script: string, o: Parameters<Container['exec']>[1] = {}): Promise<string> {
    const process = await container.exec(['/bin/sh', '-c', script], { stdout: 'pipe', ...o });
    const text = await textOf(process.stdout);
    assert.equal((await process.exited).code, 0, text);
    return text.trim();
  }

  test('arguments with spaces, quotes, newlines and nothing in them arrive as they are', async () => {
    const words = ['a b', '', '"\'$x`', 'line\nline', '--', '-x', 'ünï'];
    const process = await container.exec(
      ['/bin/sh', '-c', 'for w; do printf "[%s]" "$w"; done', 'sh', ...words],
      { stdout: 'pipe' },
    );
    assert.equal(await textOf(process.stdout), words.map((word) => `[${word}]`).join(''));
    await process.exited;
  });

  test('the environment is the container’s with what is added', async () => {
    assert.equal(await outputOf('echo $BASE $MORE', { env: { MORE: 'more' } }), 'base more');
  });

  test('user, group and additional groups', async () => {
    assert.equal(await outputOf('id -u; id -g', { user: '7:8' }), '7\n8');
    assert.equal(
      await outputOf('id -u; id -g; id -G', { user: { uid: 7, gid: 8, additionalGids: [20, 21] } }),
      '7\n8\n8 20 21',
    );
  });

  test('capabilities are added to the container’s own', async () => {
    const bounding = async (o: object): Promise<bigint> =>
      BigInt(`0x${(await outputOf('grep CapBnd /proc/self/status', o)).split(/\s+/)[1]}`);
    const own = await bounding({});
    const more = await bounding({ capabilities: ['CAP_NET_RAW'] });
    assert.equal(more, own | (1n << 13n));
    assert.equal(own & (1n << 13n), 0n);
  });

  test('noNewPrivileges', async () => {
    assert.match(await outputOf('grep NoNewPrivs /proc/self/status', { noNewPrivileges: true }), /1$/);
  });

  test('a whole process: its user, directory and environment, with the command’s arguments', async () => {
    const text = await outputOf('id -u; pwd; echo $ONLY$BASE', {
      process: {
        args: ['/bin/false'],
        cwd: '/tmp',
        user: { uid: 5, gid: 5 },
        env: ['PATH=/bin', 'ONLY=only'],
      },
    });
    assert.match(text, /^5\n\/tmp\nonly/);
    const own = await container.exec([], {
      stdout: 'pipe',
      process: { args: ['/bin/echo', 'mine'], cwd: '/', user: { uid: 0, gid: 0 } },
    });
    assert.equal(await textOf(own.stdout), 'mine\n');
  });

  test('files[i] is descriptor 3+i of the process', async () => {
    const fd = openSync('/proc/sys/kernel/ostype', 'r');
    assert.equal(await outputOf('cat <&4', { files: [fd, fd] }), 'Linux');
    closeSync(fd);
  });

  test('stdin, stdout and stderr are the process’s own', async () => {
    const process = await container.exec(['/bin/sh', '-c', 'cat; echo err >&2'], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    process.stdin?.end('through');
    assert.equal(await textOf(process.stdout), 'through');
    assert.equal(await textOf(process.stderr), 'err\n');
  });

  test('kill ends a process by signal, and is false when it is gone', async () => {
    const process = await container.exec(['/bin/sleep', '100']);
    assert.equal(await process.kill(), true);
    const { code, signal } = await process.exited;
    assert.deepEqual({ code, signal }, { code: null, signal: 'SIGTERM' });
    assert.equal(await process.kill('SIGKILL'), false);
  });

  test('a core dump is told', async () => {
    const process = await container.exec(['/bin/sh', '-c', 'ulimit -c unlimited; kill -SEGV $$']);
    const { signal } = await process.exited;
    assert.equal(signal, 'SIGSEGV');
  });

  test('a program that is missing, a directory, and a directory to start in that is missing', async () => {
    await assert.rejects(container.exec(['nosuch']), { code: 'ERR_EXEC_NOT_FOUND', cleanedUp: true });
    await assert.rejects(container.exec(['/etc']), { code: 'ERR_EXEC_NOT_FOUND' });
    await assert.rejects(container.exec(['/bin/true'], { cwd: '/no/such' }), {
      code: 'ERR_CWD_NOT_FOUND',
      message: /no such/i,
    });
  });

  test('exec into a paused container is refused as ERR_BAD_STATE', async () => {
    await container.pause();
    await assert.rejects(container.exec(['/bin/true']), { code: 'ERR_BAD_STATE' });
    await container.resume();
  });

  test('a hundred processes side by side: every exit code is right', async () => {
    const codes = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const process = await container.exec(['/bin/sh', '-c', `exit ${index}`]);
        return (await process.exited).code;
      }),
    );
    assert.deepEqual(
      codes,
      Array.from({ length: 100 }, (_, index) => index),
    );
  });
});

describe('hooks', { skip: needsRuntime() }, () => {
  test('what hooks print does not get into the container’s output', async () => {
    const dobby = newDobby();
    const hook = {
      path: '/bin/sh',
      args: ['sh', '-c', 'echo from the hook; echo from the hook >&2; cat > /dev/null'],
    };
    const container = await runShell(
      dobby,
      'echo from the container',
      { stdout: 'pipe', stderr: 'pipe' },
      { hooks: { prestart: [hook], createRuntime: [hook], poststart: [hook], poststop: [hook] } },
    );
    await container.exited;
    await container.destroy();
    assert.equal(await textOf(container.stdout), 'from the container\n');
    assert.equal(await textOf(container.stderr), '');
    await dobby[Symbol.asyncDispose]();
  });

  test('a hook that fails is told as ERR_HOOK_FAILED, and nothing is left', async () => {
    const dobby = newDobby();
    const clean = await warmUp(dobby);
    for (const hooks of [
      { prestart: [{ path: '/bin/false' }] },
      { createContainer: [{ path: '/bin/false' }] },
    ])
      await assert.rejects(runShell(dobby, 'true', { stdout: 'pipe' }, { hooks }), {
        code: 'ERR_HOOK_FAILED',
        cleanedUp: true,
      });
    assert.deepEqual(await leftOver(clean), []);
    await dobby[Symbol.asyncDispose]();
  });
});
