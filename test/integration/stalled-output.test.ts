import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { OutputError } from '../../src/index';
import { newBundle, newId, runShell, until } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

describe('output to what takes none', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();
  const directory = temporaryDirectory('stalled');

  function makeFifo(name: string): string {
    const fifo = path.join(directory, name);
    execFileSync('mkfifo', [fifo]);
    return fifo;
  }

  /** Another container, with a log of its own, comes and goes. */
  async function othersGoOn(): Promise<void> {
    const file = path.join(directory, newId('log'));
    const other = await runShell(dobby, 'echo x; exit 4', { stdout: { file, maxBytes: 1000 } });
    assert.equal((await other.exited).code, 4);
    assert.equal(fs.readFileSync(file, 'utf8'), 'x\n');
    await other.destroy();
  }

  test('a FIFO without a reader fails the call at once, with maxBytes or not', async () => {
    const file = makeFifo('unread');
    const bundle = await newBundle(['/bin/true']);
    for (const target of [{ file }, { file, maxBytes: 100 }, { file, append: true }])
      for (const stream of ['stdout', 'stderr'] as const)
        await assert.rejects(dobby.create(newId(), bundle, { [stream]: target }), /ENXIO/);
  });

  test('a FIFO whose reader does not read holds up its own program only, which can be destroyed', async () => {
    const file = makeFifo('stalled');
    const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    for (const target of [{ file }, { file, maxBytes: 100 }]) {
      const container = await runShell(dobby, 'while :; do echo xxxxxxxxxxxxxxxx; done', { stdout: target });
      await othersGoOn();
      await container.destroy({ force: true, timeoutMs: 5000 });
    }
    fs.closeSync(reader);
  });

  test('a socket that takes nothing: the exit is told all the same, and so is what became of the output', async () => {
    const { peer, socket, fd } = fullSocket();
    const errors: [string, OutputError][] = [];
    const note = (id: string, error: OutputError): void => void errors.push([id, error]);
    dobby.on('outputError', note);
    const container = await runShell(dobby, 'seq 1 1000; exit 6', { stdout: fd });
    const destroyed = container.containerId;
    await othersGoOn();
    assert.equal((await container.exited).code, 6);
    assert.deepEqual(
      errors.map(([id, error]) => [id, error.code, error.stream, error.file, error.droppedBytes]),
      [[destroyed, 'ETIMEDOUT', 'stdout', null, 0]],
    );
    await container.destroy();
    const lost = once(dobby, 'outputError');
    peer.kill('SIGKILL');
    const [, error] = (await lost) as [string, OutputError];
    assert.equal(error.code, 'EPIPE');
    assert.equal(error.droppedBytes, 3893);
    dobby.off('outputError', note);
    socket.destroy();
  });

  test('a destroy with a time limit does not wait for output past it', async () => {
    const { peer, socket, fd } = fullSocket();
    const container = await runShell(dobby, 'seq 1 1000; sleep 1000', { stdout: fd });
    await until(() => fs.readFileSync(`/proc/${container.pid}/comm`, 'utf8') === 'sleep\n');
    let isOver = false;
    void container.exited.then(() => {
      isOver = true;
    });
    await container.destroy({ force: true, timeoutMs: 1000 });
    assert.equal(isOver, false, 'its output waits');
    assert.equal(await dobby.state(container.containerId), 'unknown');
    const lost = once(dobby, 'outputError');
    peer.kill('SIGKILL');
    await Promise.all([lost, container.exited]);
    socket.destroy();
  });

  test('a full disk: what is lost is told', async () => {
    const small = temporaryDirectory('full');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'small', small]);
    try {
      const told = once(dobby, 'outputError');
      const file = path.join(small, 'log');
      const container = await runShell(dobby, 'seq 1 100000', {
        stderr: { file, maxBytes: 1_000_000 },
        stdout: { file, maxBytes: 1_000_000 },
      });
      assert.equal((await container.exited).code, 0);
      const [id, error] = (await told) as [string, OutputError];
      assert.deepEqual(
        [id, error.code, error.file, error.stream],
        [container.containerId, 'ENOSPC', file, 'stdout'],
      );
      assert.equal(error.droppedBytes + fs.statSync(file).size, 588_895);
      assert.match(error.message, /bytes were not written: ENOSPC/);
      await container.destroy();
    } finally {
      execFileSync('umount', ['--lazy', small]);
    }
  });

  test('a file system that hangs holds up the logs on it and no others', {
    skip: !hasLoopDevices(),
  }, async () => {
    const disk = mountDisk();
    const file = path.join(disk.mountPoint, 'log');
    const container = await runShell(dobby, 'read line; seq 1 10; exit 5', {
      stdin: 'pipe',
      stdout: { file, maxBytes: 1000 },
    });
    const errors: string[] = [];
    const note = (_: string, error: OutputError): void => void errors.push(error.code);
    dobby.on('outputError', note);
    execFileSync('fsfreeze', ['--freeze', disk.mountPoint]);
    try {
      container.stdin?.end('\n');
      await othersGoOn();
      assert.equal((await container.exited).code, 5);
      assert.deepEqual(errors, ['ETIMEDOUT']);
      await container.destroy({ timeoutMs: 1000 });
    } finally {
      execFileSync('fsfreeze', ['--unfreeze', disk.mountPoint]);
    }
    // It is written when it can be.
    while (fs.readFileSync(file, 'utf8').length < 21) await new Promise((resolve) => setTimeout(resolve, 10));
    dobby.off('outputError', note);
    // The thread of the device, which has the file open, ends with the next one that is wanted.
    execFileSync('umount', ['--lazy', disk.mountPoint]);
    await othersGoOn();
  });
});

/** A socket whose peer reads nothing, and which is full. */
function fullSocket(): { peer: ChildProcess; socket: Socket; fd: number } {
  const peer = spawn('sleep', ['1000'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const socket = peer.stdin as unknown as Socket & { _handle: { fd: number } };
  const { fd } = socket._handle;
  try {
    for (;;) fs.writeSync(fd, Buffer.alloc(4096));
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'EAGAIN');
  }
  return { peer, socket, fd };
}

/** A small file system of its own, on a loop device. */
function mountDisk(): { mountPoint: string } {
  const directory = temporaryDirectory('disk');
  const image = path.join(directory, 'image');
  const mountPoint = path.join(directory, 'mounted');
  fs.mkdirSync(mountPoint);
  fs.writeFileSync(image, Buffer.alloc(4 * 1024 * 1024));
  execFileSync('mkfs.ext4', ['-q', image]);
  execFileSync('mount', ['-o', 'loop', image, mountPoint]);
  return { mountPoint };
}

function hasLoopDevices(): boolean {
  if (needsRuntime() !== false) return false;
  try {
    execFileSync('umount', [mountDisk().mountPoint]);
    return true;
  } catch {
    return false;
  }
}
