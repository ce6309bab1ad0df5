import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { native } from '../../src/native';
import { errno, openDescriptors, output, pipe, run, shell } from './harness';

const bytes = (text: string) => Buffer.from(text);

describe('descriptors', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'native-descriptors-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('closes only what the environment owns', () => {
    const own = native.duplicate(0);
    assert.ok(own >= 3);
    assert.equal(native.close(own), 0);
    assert.equal(native.close(own), -errno.EBADF);
    const foreign = openSync('/dev/null', 'r');
    assert.equal(native.close(foreign), -errno.EBADF);
    closeSync(foreign);
  });

  it('makes everything close-on-exec', () => {
    const out = new Int32Array(2);
    native.pipe(out);
    const made = [...out, native.duplicate(0), native.memfd('x', 0), native.memfd('x', 10)];
    made.push(native.pidfdOpen(process.pid), native.listenUnix(path.join(directory, 'cloexec')));
    for (const fd of made) {
      const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
      assert.equal(Number.parseInt(flags, 8) & 0o2000000, 0o2000000, `${fd}: ${flags}`);
      assert.equal(native.close(fd), 0);
    }
  });

  it('says what is wrong with a descriptor', () => {
    const buffer = new Uint8Array(8);
    assert.equal(native.duplicate(9999), -errno.EBADF);
    assert.equal(native.read(9999, buffer, 0, 8), -errno.EBADF);
    assert.equal(native.write(9999, buffer, 0, 8), -errno.EBADF);
    assert.equal(native.readAt(9999, buffer, 0, 8, 0), -errno.EBADF);
    assert.equal(native.position(9999), -errno.EBADF);
    assert.equal(native.nonblocking(9999, true), -errno.EBADF);
    assert.equal(native.sealedImage(9999), -errno.EBADF);
    assert.equal(native.windowSize(9999, 80, 24), -errno.EBADF);
    assert.equal(native.isPtyMaster(9999), -errno.EBADF);
    assert.equal(native.receiveFd(9999), -errno.EBADF);
    assert.equal(native.accept(9999, new Int32Array(3)), -errno.EBADF);
    assert.equal(
      native.poll(9999, 1, () => {}),
      -errno.EBADF,
    );
    assert.equal(native.pollSet(9999, 1), -errno.EBADF);
    native.pollRef(9999, true);
    native.pollClose(9999);
  });

  it('never leaves the buffer', () => {
    const [readFd, writeFd] = pipe();
    const buffer = new Uint8Array(8);
    for (const [offset, length] of [
      [0, 9],
      [8, 1],
      [-1, 2],
      [0, -1],
      [9, 0],
      [2 ** 40, 1],
      [1, 2 ** 53 - 1],
    ] as const) {
      assert.equal(native.read(readFd, buffer, offset, length), -errno.EINVAL, `${offset} ${length}`);
      assert.equal(native.write(writeFd, buffer, offset, length), -errno.EINVAL, `${offset} ${length}`);
      assert.equal(native.readAt(readFd, buffer, offset, length, 0), -errno.EINVAL, `${offset} ${length}`);
    }
    assert.equal(native.pipe(new Int32Array(1)), -errno.EINVAL);
    native.close(readFd);
    native.close(writeFd);
  });

  it('reads a pipe: nothing yet, bytes, end of file; and writes to one that nobody reads', () => {
    const [readFd, writeFd] = pipe();
    const buffer = new Uint8Array(8);
    assert.equal(native.read(readFd, buffer, 0, 8), -errno.EAGAIN);
    assert.equal(native.write(writeFd, bytes('hello'), 1, 3), 3);
    assert.equal(native.read(readFd, buffer, 2, 6), 3);
    assert.equal(Buffer.from(buffer).toString('latin1'), '\0\0ell\0\0\0');
    native.close(writeFd);
    assert.equal(native.read(readFd, buffer, 0, 8), 0);
    native.close(readFd);
    const [secondRead, secondWrite] = pipe();
    native.close(secondRead);
    assert.equal(native.write(secondWrite, buffer, 0, 1), -errno.EPIPE);
    native.close(secondWrite);
  });

  it('makes the write end of a pipe blocking and the read end not, and can change that', () => {
    const [readFd, writeFd] = pipe();
    const flags = (fd: number) =>
      Number.parseInt(
        /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
        8,
      );
    const O_NONBLOCK = 0o4000;
    assert.deepEqual([flags(readFd) & O_NONBLOCK, flags(writeFd) & O_NONBLOCK], [O_NONBLOCK, 0]);
    assert.equal(native.nonblocking(readFd, false), 0);
    assert.equal(native.nonblocking(writeFd, true), 0);
    assert.deepEqual([flags(readFd) & O_NONBLOCK, flags(writeFd) & O_NONBLOCK], [0, O_NONBLOCK]);
    native.close(readFd);
    native.close(writeFd);
  });

  it('bounds a memfd: a program gets EPERM past the limit', async () => {
    const limit = 8192;
    const fd = native.memfd('bounded', limit);
    assert.ok(fd >= 0);
    const { status } = await run(shell('printf %8191s x && printf yz || exit 1'), {
      fds: [-1, native.duplicate(fd), -1],
    });
    assert.equal(status, 1);
    assert.ok(native.position(fd) <= limit && native.position(fd) >= 8191);
    const buffer = new Uint8Array(4);
    assert.equal(native.readAt(fd, buffer, 0, 4, 8189), 3);
    assert.equal(buffer[1], 'x'.charCodeAt(0));
    native.close(fd);
  });

  it('lets nobody seal, shrink or execute an output memfd', async () => {
    for (const limit of [0, 4096]) {
      const fd = native.memfd('output', limit);
      const truncated = await run(shell('exec 5<>/proc/self/fd/1; : > /proc/self/fd/1'), {
        fds: [-1, native.duplicate(fd), -1],
      });
      assert.equal(truncated.status, limit === 0 ? 0 : 1, 'truncated');
      native.close(fd);
    }
  });

  it('keeps a memfd with no limit growing', () => {
    const fd = native.memfd('unbounded', 0);
    assert.equal(native.write(fd, new Uint8Array(100_000), 0, 100_000), 100_000);
    assert.equal(native.position(fd), 100_000);
    native.close(fd);
  });

  it('seals an image with what crun and runc look for, and exactly its bytes', async () => {
    const file = openSync('/bin/busybox', 'r');
    readSync(file, new Uint8Array(10), 0, 10, null); // the file's own position must not matter
    const imageFd = native.sealedImage(file);
    closeSync(file);
    assert.ok(imageFd >= 0);
    assert.deepEqual(readFileSync(`/proc/self/fd/${imageFd}`), readFileSync('/bin/busybox'));
    assert.equal(native.write(imageFd, bytes('x'), 0, 1), -errno.EPERM);
    const seals = await output(['/usr/bin/perl', '-e', 'open(F, "<&=3"); printf "%d", fcntl(F, 1034, 0)'], {
      fds: [-1, -1, -1, native.duplicate(imageFd)],
    });
    assert.equal(Number(seals), 1 | 2 | 4 | 8); // F_SEAL_SEAL, SHRINK, GROW, WRITE, and no other
    native.close(imageFd);
  });

  it('makes no image of an empty file or a directory', () => {
    const empty = path.join(directory, 'empty');
    writeFileSync(empty, '');
    const emptyFd = openSync(empty, 'r');
    const directoryFd = openSync(directory, 'r');
    assert.equal(native.sealedImage(emptyFd), -errno.ENOEXEC);
    assert.equal(native.sealedImage(directoryFd), -errno.EISDIR);
    closeSync(emptyFd);
    closeSync(directoryFd);
  });

  it('knows a pty master, and sets its size', async () => {
    const master = openSync('/dev/ptmx', 'r+');
    assert.equal(native.isPtyMaster(master), 1);
    assert.equal(native.windowSize(master, 132, 43), 0);
    assert.equal(native.windowSize(master, 70_000, 43), -errno.EINVAL);
    assert.equal(native.windowSize(master, -1, 43), -errno.EINVAL);
    const size = await output(shell('stty size < /proc/self/fd/3'), {
      fds: [-1, -1, -1, native.duplicate(master)],
    });
    assert.match(size, /^(43 132)?\s*$/);
    closeSync(master);
    const nothing = openSync('/dev/null', 'r');
    assert.equal(native.isPtyMaster(nothing), 0);
    assert.equal(native.windowSize(nothing, 80, 24), -errno.ENOTTY);
    closeSync(nothing);
  });

  it('leaves none open after all this', () => {
    const count = openDescriptors().length;
    const [readFd, writeFd] = pipe();
    native.close(readFd);
    native.close(writeFd);
    assert.equal(openDescriptors().length, count);
  });
});
