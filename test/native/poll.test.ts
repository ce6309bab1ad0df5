import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, it } from 'node:test';
import { native } from '../../src/native';
import { errno, openDescriptors, openTerminal, pipe, sleep, start, until } from './harness';

const READABLE = 1;
const WRITABLE = 2;
const one = Buffer.from('x');

describe('poll', () => {
  it('tells when there is something to read, again and again until it is read', async () => {
    const [readFd, writeFd] = pipe();
    let calls = 0;
    assert.equal(
      native.poll(readFd, READABLE, (events) => {
        assert.equal(events, READABLE);
        if (++calls === 3) native.read(readFd, Buffer.alloc(1), 0, 1);
      }),
      readFd,
    );
    await sleep(20);
    assert.equal(calls, 0);
    native.write(writeFd, one, 0, 1);
    await until(() => calls === 3, 'three calls');
    await sleep(20);
    assert.equal(calls, 3);
    native.pollClose(readFd);
    native.close(writeFd);
  });

  it('tells of the end of file', async () => {
    const [readFd, writeFd] = pipe();
    const events = await new Promise<number>((resolve) => {
      native.poll(readFd, READABLE, (ready) => {
        native.pollClose(readFd);
        resolve(ready);
      });
      native.close(writeFd);
    });
    assert.equal(events, READABLE);
  });

  it('tells that a pipe can be written to, and that its reader is gone', async () => {
    const [readFd, writeFd] = pipe();
    native.nonblocking(writeFd, true);
    const chunk = new Uint8Array(65536);
    while (native.write(writeFd, chunk, 0, chunk.length) > 0);
    const seen: number[] = [];
    let isGone = false;
    native.poll(writeFd, WRITABLE, (events) => {
      seen.push(events);
      const written = native.write(writeFd, one, 0, 1);
      if (written !== -errno.EPIPE) return;
      isGone = true;
      native.pollClose(writeFd);
    });
    await sleep(20);
    assert.deepEqual(seen, []);
    native.close(readFd);
    await until(() => isGone, 'EPIPE');
    assert.deepEqual([...new Set(seen)], [WRITABLE]);
  });

  it('keeps telling of an error until somebody reads or writes', async () => {
    const [readFd, writeFd] = pipe();
    native.close(readFd);
    let calls = 0;
    native.poll(writeFd, WRITABLE, () => {
      if (++calls === 3) native.pollClose(writeFd);
    });
    await until(() => calls === 3, 'three calls');
  });

  it('pauses with 0 and goes on', async () => {
    const [readFd, writeFd] = pipe();
    let calls = 0;
    native.poll(readFd, 0, () => {
      calls++;
      assert.equal(native.pollSet(readFd, 0), 0);
    });
    native.write(writeFd, one, 0, 1);
    await sleep(20);
    assert.equal(calls, 0);
    assert.equal(native.pollSet(readFd, READABLE), 0);
    await until(() => calls === 1, 'one call');
    await sleep(20);
    assert.equal(calls, 1);
    native.pollClose(readFd);
    native.close(writeFd);
  });

  it('closes at once, twice if asked, and the number can be polled again at once', async () => {
    const count = openDescriptors().length;
    const [readFd, writeFd] = pipe();
    native.poll(readFd, READABLE, () => assert.fail('closed'));
    native.write(writeFd, one, 0, 1);
    native.pollClose(readFd);
    native.pollClose(readFd);
    assert.equal(native.write(writeFd, one, 0, 1), -errno.EPIPE);
    native.close(writeFd);
    assert.equal(openDescriptors().length, count);
    const again = pipe();
    assert.ok(again.includes(readFd));
    let called = false;
    native.poll(again[0], READABLE, () => {
      called = true;
      native.pollClose(again[0]);
    });
    native.write(again[1], one, 0, 1);
    await until(() => called, 'the second poll');
    native.close(again[1]);
    assert.equal(openDescriptors().length, count);
  });

  it('refuses the same descriptor twice, and files, and leaves them with their owner', () => {
    const [readFd, writeFd] = pipe();
    native.poll(readFd, READABLE, () => {});
    assert.equal(
      native.poll(readFd, READABLE, () => {}),
      -errno.EEXIST,
    );
    assert.equal(native.close(readFd), -errno.EBADF, 'a polled descriptor is closed by pollClose');
    native.pollClose(readFd);
    native.close(writeFd);
    const file = openSync('/etc/passwd', 'r');
    assert.equal(
      native.poll(file, READABLE, () => {}),
      -errno.EPERM,
    );
    closeSync(file);
  });

  it('tells of a hang-up on a pty master as readable', async () => {
    const master = native.duplicate(openSync('/dev/ptmx', 'r+'));
    const events = await new Promise<number>((resolve) => {
      native.poll(master, READABLE, resolve);
      // Unlocking and opening the other side once and closing it hangs the master up.
      hangUp(master);
    });
    assert.equal(events, READABLE);
    assert.equal(native.read(master, Buffer.alloc(16), 0, 16), -errno.EIO);
    native.pollClose(master);
  });
});

function hangUp(master: number): void {
  const { error } = start(openTerminal(''), { fds: [-1, -1, -1, native.duplicate(master)] });
  assert.equal(error, 0);
}
