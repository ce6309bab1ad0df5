import assert from 'node:assert/strict';
import { spawn as spawnChild, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ExitSource, native } from '../../src/native';
import {
  errno,
  openDescriptors,
  pipe,
  readAll,
  run,
  shell,
  signals,
  sleep,
  start,
  until,
  wakeUps,
  watch,
} from './harness';

const CLD_EXITED = 1;
const CLD_KILLED = 2;
const CLD_DUMPED = 3;

describe('exit watch', () => {
  it('refuses a batch without room for one exit, and a second opening', async () => {
    assert.equal(
      native.openExitWatch(new Int32Array(3), () => {}),
      -errno.EINVAL,
    );
    const { pid, pidfd } = start(shell('exit 0'));
    const { exited } = watch(pid, pidfd);
    assert.equal(
      native.openExitWatch(new Int32Array(4), () => {}),
      -errno.EALREADY,
    );
    await exited;
  });

  it('tells exit codes, signals and core dumps', async () => {
    assert.deepEqual(await run(shell('exit 255')), {
      code: CLD_EXITED,
      status: 255,
      source: ExitSource.Waitid,
    });
    assert.deepEqual(await run(shell('kill -15 $$')), {
      code: CLD_KILLED,
      status: 15,
      source: ExitSource.Waitid,
    });
    const { code, status } = await run(shell('ulimit -c unlimited; kill -6 $$'), { cwd: '/proc' });
    assert.ok(code === CLD_DUMPED || code === CLD_KILLED);
    assert.equal(status, signals.SIGABRT);
  });

  it('reports a process that had exited before it was watched', async () => {
    const { pid, pidfd } = start(shell('exit 9'));
    await until(() => native.pidfdExited(pidfd) === 1, 'the exit');
    assert.equal((await watch(pid, pidfd).exited).status, 9);
  });

  it('reports each of 300 exits once, several per call', async () => {
    const before = wakeUps.count;
    const [readFd, writeFd] = pipe();
    // All wait for the end of file, so that they exit together.
    const exits = Array.from({ length: 300 }, (_, i) => {
      const { pid, pidfd } = start(shell(`read x; exit $((${i} % 200))`), {
        fds: [native.duplicate(readFd), -1, -1],
      });
      return watch(pid, pidfd).exited;
    });
    native.close(readFd);
    native.close(writeFd);
    const statuses = (await Promise.all(exits)).map(({ status }) => status);
    assert.deepEqual(
      statuses,
      Array.from({ length: 300 }, (_, i) => i % 200),
    );
    assert.ok(wakeUps.count - before <= 300);
  });

  it('returns every descriptor', async () => {
    await run(['/bin/true']);
    const count = openDescriptors().length;
    await Promise.all(Array.from({ length: 20 }, () => run(['/bin/true'])));
    const { pid, pidfd } = start(['/bin/sleep', '60']);
    const { token } = watch(pid, pidfd);
    native.watchSignal(token, signals.SIGKILL);
    assert.equal(native.unwatch(token), 0);
    assert.equal(openDescriptors().length, count);
    // The process is ours still: the rest of the test must not leave it.
    const again = native.pidfdOpen(pid);
    await watch(pid, again).exited;
    assert.equal(openDescriptors().length, count);
  });

  it('reports nothing after unwatch, not even an exit that has already happened', async () => {
    const { pid, pidfd } = start(['/bin/true']);
    const { token, exited } = watch(pid, pidfd);
    const other = native.pidfdOpen(pid);
    await new Promise<void>((resolve) => {
      while (native.pidfdExited(other) === 0); // busy: the loop must not see it first
      assert.equal(native.unwatch(token), 0);
      assert.equal(native.unwatch(token), -errno.ENOENT);
      resolve();
    });
    const first = await Promise.race([exited.then(() => 'reported'), sleep(50).then(() => 'nothing')]);
    assert.equal(first, 'nothing');
    assert.equal((await watch(pid, other).exited).status, 0);
  });

  it('refuses a token twice, and what is no pidfd, and leaves the descriptor with its owner', async () => {
    const { pid, pidfd } = start(['/bin/sleep', '60']);
    const { token, exited } = watch(pid, pidfd);
    const other = native.pidfdOpen(pid);
    assert.equal(native.watch(token, other, pid), -errno.EEXIST);
    assert.equal(native.close(other), 0);
    assert.equal(native.watch(token + 1_000_000, 9999, pid), -errno.EBADF);
    native.watchSignal(token, signals.SIGKILL);
    await exited;
  });

  it('signals what it watches, and says ESRCH when that has exited or is not watched', async () => {
    const { pid, pidfd } = start(['/bin/sleep', '60']);
    const { token, exited } = watch(pid, pidfd);
    assert.equal(native.watchSignal(token, 0), 0);
    assert.equal(native.watchSignal(token, 9999), -errno.EINVAL);
    assert.equal(native.watchSignal(token, signals.SIGTERM), 0);
    await until(() => native.watchSignal(token, 0) === -errno.ESRCH || false, 'ESRCH');
    assert.equal((await exited).status, signals.SIGTERM);
    assert.equal(native.watchSignal(token, signals.SIGTERM), -errno.ESRCH);
  });

  it('works on pidfds that are not watched', async () => {
    assert.equal(native.pidfdOpen(2 ** 22 + 1), -errno.ESRCH);
    assert.equal(native.pidfdOpen(0), -errno.EINVAL);
    assert.equal(native.pidfdExited(9999), -errno.EBADF);
    assert.equal(native.pidfdSignal(9999, 0), -errno.EBADF);
    const { pid, pidfd } = start(['/bin/sleep', '60']);
    assert.equal(native.pidfdExited(pidfd), 0);
    assert.equal(native.pidfdSignal(pidfd, signals.SIGKILL), 0);
    await until(() => native.pidfdExited(pidfd) === 1, 'the exit');
    await watch(pid, pidfd).exited;
  });

  describe('of a process that is not a child', () => {
    /** A shell whose child runs `script`; it reaps that only when its input ends. */
    async function grandchild(script: string) {
      const [inputFd, input] = pipe();
      const [outputFd, output] = pipe();
      native.nonblocking(inputFd, false);
      const keeper = start(
        [
          '/usr/bin/perl',
          '-e',
          `$p = fork; if (!$p) { exec "/bin/busybox", "sh", "-c", '${script}' } $| = 1; print "$p\\n"; close STDOUT; <STDIN>; waitpid($p, 0); <STDIN>`,
        ],
        { fds: [inputFd, output, native.duplicate(2)] },
      );
      assert.equal(keeper.error, 0);
      const pid = Number(await readAll(outputFd));
      const pidfd = native.pidfdOpen(pid);
      assert.ok(pidfd >= 0);
      const line = Buffer.from('\n');
      const keeperExit = watch(keeper.pid, keeper.pidfd);
      return {
        pid,
        pidfd,
        reap: () => assert.equal(native.write(input, line, 0, 1), 1),
        end: async () => {
          native.close(input);
          await keeperExit.exited;
        },
      };
    }

    it('reads the status of a zombie that its parent has not reaped', async () => {
      const { pid, pidfd, end } = await grandchild('exec >&-; sleep 0.1; exit 21');
      assert.deepEqual(await watch(pid, pidfd).exited, {
        code: CLD_EXITED,
        status: 21,
        source: ExitSource.Pidfd,
      });
      await end();
    });

    it('reads a death by signal', async () => {
      const { pid, pidfd, end } = await grandchild('exec >&-; sleep 0.1; kill -9 $$');
      assert.deepEqual(await watch(pid, pidfd).exited, {
        code: CLD_KILLED,
        status: 9,
        source: ExitSource.Pidfd,
      });
      await end();
    });

    it('reads the status after its parent has reaped it, on kernels that keep it', async () => {
      const { pid, pidfd, reap, end } = await grandchild('exec >&-; exit 22');
      await until(() => native.pidfdExited(pidfd) === 1, 'the exit');
      reap();
      await until(() => native.pidfdSignal(pidfd, 0) === -errno.ESRCH, 'the reaping');
      const exit = await watch(pid, pidfd).exited;
      if (native.hasPidfdExitInfo() === 1) {
        assert.deepEqual(exit, { code: CLD_EXITED, status: 22, source: ExitSource.Pidfd });
      } else {
        assert.deepEqual(exit, { code: 0, status: 0, source: ExitSource.Unobserved });
      }
      await end();
    });

    it('is not misled by a name that looks like the rest of the line', async () => {
      const { pid, pidfd, end } = await grandchild(
        'exec >&-; printf ") Z 1 (" > /proc/$$/comm; sleep 0.1; exit 23',
      );
      assert.equal((await watch(pid, pidfd).exited).status, 23);
      await end();
    });
  });

  it('lets a child_process child keep its exit event', async () => {
    const child = spawnChild('sh', ['-c', 'exit 5']);
    const { exited } = watch(...(Object.values(pick(start(shell('exit 6')))) as [number, number]));
    const [code] = await once(child, 'exit');
    assert.equal(code, 5);
    assert.equal((await exited).status, 6);
  });

  const fixture = (name: string, ...args: string[]) => {
    const startedAt = Date.now();
    const file = path.join(__dirname, 'fixtures', `${name}.js`);
    const result = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', timeout: 20_000 });
    return { ...result, tookMs: Date.now() - startedAt };
  };

  it('keeps the loop alive while a process is watched, and not with ref off', () => {
    const kept = fixture('keep-alive', 'watch');
    assert.equal(kept.stdout, 'exit 0\n', kept.stderr);
    const dropped = fixture('keep-alive', 'watch-unref');
    assert.equal(dropped.stdout, '', dropped.stderr);
    const taken = fixture('keep-alive', 'watch-unref-ref');
    assert.equal(taken.stdout, 'exit 0\n', taken.stderr);
    for (const { status } of [kept, dropped, taken]) assert.equal(status, 0);
  });

  it('keeps the loop alive while a spawn is under way, and not without one', () => {
    const { stdout, stderr, status } = fixture('keep-alive', 'spawn');
    assert.deepEqual([stdout, stderr, status], ['started\n', '', 0]);
    const idle = fixture('keep-alive', 'open');
    assert.deepEqual([idle.stdout, idle.stderr, idle.status], ['', '', 0]);
  });

  it('turns what a callback throws into an uncaughtException, and goes on', () => {
    const { stdout, stderr, status } = fixture('throwing-callbacks');
    assert.equal(stderr, '');
    assert.equal(stdout, 'spawn: thrown\nexits: thrown\nticks ran\npoll: thrown\npump: thrown\nexits: 2\n');
    assert.equal(status, 0);
  });
});

function pick({ pid, pidfd }: { pid: number; pidfd: number }) {
  return { pid, pidfd };
}
