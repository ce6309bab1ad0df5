import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { native } from '../../src/native';
import { errno, openDescriptors, until } from './harness';

/** Sends `count` descriptors with one byte, then ends. perl-base has no Socket.pm with SCM_RIGHTS: Python has. */
function send(socketPath: string, count: number, payload = 'x'): ChildProcess {
  const script = `
import socket, array, sys, os
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
fds = [os.open('/etc/passwd', os.O_RDONLY) for _ in range(int(sys.argv[2]))]
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
if sys.argv[3]: s.sendmsg([sys.argv[3].encode()], rights)
`;
  return spawn('python3', ['-c', script, socketPath, String(count), payload], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** What a call on a non-blocking descriptor returns when it has something to return. */
async function notAgain(call: () => number): Promise<number> {
  let result = -errno.EAGAIN;
  await until(() => {
    result = call();
    return result !== -errno.EAGAIN;
  }, 'a result');
  return result;
}

describe('fd socket', () => {
  let directory = '';
  let next = 0;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'native-socket-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  async function receive(
    count: number,
    payload?: string,
  ): Promise<{ received: number; peer: Int32Array; sender: ChildProcess }> {
    const socketPath = path.join(directory, `s${next++}`);
    const listener = native.listenUnix(socketPath);
    assert.ok(listener >= 0);
    const peer = new Int32Array(3);
    assert.equal(native.accept(listener, peer), -errno.EAGAIN);
    const sender = send(socketPath, count, payload);
    const connection = await notAgain(() => native.accept(listener, peer));
    const received = await notAgain(() => native.receiveFd(connection));
    native.close(connection);
    native.close(listener);
    return { received, peer, sender };
  }

  it('receives the one descriptor, close-on-exec, and says who sent it', async () => {
    const countBefore = openDescriptors().length;
    const { received, peer, sender } = await receive(1);
    assert.ok(received >= 0);
    const buffer = new Uint8Array(5);
    assert.equal(native.read(received, buffer, 0, 5), 5);
    assert.equal(Buffer.from(buffer).toString(), 'root:');
    assert.deepEqual([...peer], [sender.pid, process.getuid?.(), process.getgid?.()]);
    assert.equal(native.close(received), 0);
    await until(() => openDescriptors().length === countBefore, 'descriptors as before');
  });

  for (const count of [2, 10, 253]) {
    it(`refuses a message with ${count} descriptors and keeps none of them`, async () => {
      const countBefore = openDescriptors().length;
      assert.equal((await receive(count)).received, -errno.EBADMSG);
      await until(() => openDescriptors().length === countBefore, 'descriptors as before');
    });
  }

  it('refuses a message without a descriptor', async () => {
    assert.equal((await receive(0)).received, -errno.EBADMSG);
  });

  it('tells of an end without a message', async () => {
    assert.equal((await receive(0, '')).received, -errno.ENODATA);
  });

  it('takes a path of 107 bytes and refuses 108, an empty one, a taken one, and a directory that is not there', () => {
    const base = `${directory}/`;
    const longest = base + 'n'.repeat(107 - base.length);
    const fd = native.listenUnix(longest);
    assert.ok(fd >= 0);
    assert.ok(statSync(longest).isSocket());
    assert.equal(native.listenUnix(longest), -errno.EADDRINUSE);
    native.close(fd);
    assert.equal(native.listenUnix(`${longest}n`), -errno.ENAMETOOLONG);
    assert.equal(native.listenUnix(''), -errno.EINVAL);
    assert.equal(native.listenUnix(`${base}none/x`), -errno.ENOENT);
  });

  it('wakes a poll on the listening socket', async () => {
    const socketPath = path.join(directory, 'polled');
    const listener = native.listenUnix(socketPath);
    const peer = new Int32Array(3);
    const accepted = new Promise<number>((resolve) => {
      native.poll(listener, 1, () => resolve(native.accept(listener, peer)));
    });
    const client = connect(socketPath);
    const connection = await accepted;
    assert.ok(connection >= 0);
    assert.equal(peer[0], process.pid);
    assert.equal(native.accept(listener, new Int32Array(2)), -errno.EINVAL);
    client.destroy();
    native.close(connection);
    native.pollClose(listener);
  });
});
