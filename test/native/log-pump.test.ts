import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { native, PumpEvent } from '../../src/native';
import { errno, openDescriptors, openTerminal, pipe, run, shell, sleep, until } from './harness';

const DATA: number = PumpEvent.Data;
const END: number = PumpEvent.End;

interface Seen {
  token: number;
  event: number;
  written: number;
  dropped: number;
  error: number;
}

describe('log pump', () => {
  let directory = '';
  const events: Seen[] = [];
  let nextToken = 1;

  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'native-pump-'));
    const [readFd, writeFd] = pipe();
    assert.equal(native.pumpStart(1, readFd, writeFd, 0, '', 0), -errno.EINVAL, 'before openPump');
    native.close(readFd);
    native.close(writeFd);
    native.openPump((token, event, written, dropped, error) =>
      events.push({ token, event, written, dropped, error }),
    );
  });
  after(() => rmSync(directory, { recursive: true }));

  const end = async (token: number): Promise<Seen> => {
    await until(() => events.some((seen) => seen.token === token && seen.event === END), 'the end');
    return events.find((seen) => seen.token === token && seen.event === END) as Seen;
  };
  const openLog = (name: string): [string, number] => {
    const file = path.join(directory, name);
    const fd = openSync(file, 'a', 0o640);
    const own = native.duplicate(fd);
    closeSync(fd);
    return [file, own];
  };
  const write = (fd: number, text: string) =>
    assert.equal(native.write(fd, Buffer.from(text), 0, text.length), text.length);

  it('copies a pipe to a file until its end', async () => {
    const count = openDescriptors().length;
    const [file, target] = openLog('plain');
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    assert.equal(native.pumpStart(token, readFd, target, 0, '', 0), 0);
    const bytes = 3_000_000;
    await run(shell(`head -c ${bytes} /dev/zero | tr "\\0" a`), { fds: [-1, writeFd, -1] });
    assert.deepEqual(await end(token), { token, event: END, written: bytes, dropped: 0, error: 0 });
    assert.equal(statSync(file).size, bytes);
    // The thread's own three stay.
    assert.ok(openDescriptors().length <= count + 3);
  });

  it('is opened once, takes a token once, and refuses closed descriptors', () => {
    assert.equal(
      native.openPump(() => {}),
      -errno.EALREADY,
    );
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    assert.equal(native.pumpStart(token, 9999, writeFd, 0, '', 0), -errno.EBADF);
    assert.equal(native.pumpStart(token, readFd, 9999, 0, '', 0), -errno.EBADF);
    assert.equal(native.pumpStart(token, readFd, native.memfd('x', 0), 0, '', 0), 0);
    const second = pipe();
    assert.equal(native.pumpStart(token, second[0], second[1], 0, '', 0), -errno.EEXIST);
    native.close(second[0]);
    native.close(second[1]);
    native.close(writeFd);
    native.pumpNotify(99_999, 0);
    native.pumpFinish(99_999);
  });

  it('drops and counts past the bound of a memfd', async () => {
    const buffer = native.memfd('bounded', 0);
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    native.pumpStart(token, readFd, native.duplicate(buffer), 10, '', 0);
    write(writeFd, '0123456');
    await sleep(10);
    write(writeFd, '789abcdef');
    native.close(writeFd);
    assert.deepEqual(await end(token), { token, event: END, written: 10, dropped: 6, error: 0 });
    const bytes = Buffer.alloc(20);
    assert.equal(native.readAt(buffer, bytes, 0, 20, 0), 10);
    assert.equal(bytes.subarray(0, 10).toString(), '0123456789');
    native.close(buffer);
  });

  it('tells once when there is more than what was seen', async () => {
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    native.pumpStart(token, readFd, native.memfd('notified', 0), 0, '', 0);
    const data = () => events.filter((seen) => seen.token === token && seen.event === DATA);
    write(writeFd, 'abc');
    await sleep(20);
    assert.equal(data().length, 0, 'not asked');
    native.pumpNotify(token, 0);
    await until(() => data().length === 1, 'data that was there');
    assert.equal(data()[0]?.written, 3);
    native.pumpNotify(token, 3);
    await sleep(20);
    assert.equal(data().length, 1, 'nothing new');
    write(writeFd, 'd');
    await until(() => data().length === 2, 'data that came');
    write(writeFd, 'e');
    await sleep(20);
    assert.equal(data().length, 2, 'asked once');
    native.close(writeFd);
    await end(token);
  });

  it('rotates: .1 is the newest of the old files, and no more than keep are kept', async () => {
    const [file, target] = openLog('rotated');
    chmodSync(file, 0o604);
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    native.pumpStart(token, readFd, target, 10, file, 2);
    for (const text of ['first..', 'second.', 'third..', 'fourth.']) {
      write(writeFd, text);
      await sleep(20);
    }
    native.close(writeFd);
    assert.deepEqual(await end(token), { token, event: END, written: 28, dropped: 0, error: 0 });
    assert.equal(readFileSync(file, 'utf8'), 'fourth.');
    assert.equal(readFileSync(`${file}.1`, 'utf8'), 'third..');
    assert.equal(readFileSync(`${file}.2`, 'utf8'), 'second.');
    assert.equal(existsSync(`${file}.3`), false);
    assert.equal(statSync(file).mode & 0o777, 0o604);
  });

  it('counts what was in the file before, splits what is larger than a file, and empties it with keep 0', async () => {
    const [file, first] = openLog('emptied');
    native.write(first, Buffer.from('before'), 0, 6);
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    native.pumpStart(token, readFd, first, 8, file, 0);
    write(writeFd, 'abc');
    await sleep(20);
    assert.equal(readFileSync(file, 'utf8'), 'abc');
    write(writeFd, '0123456789ABCDEFGHIJ');
    native.close(writeFd);
    assert.equal((await end(token)).written, 23);
    assert.equal(readFileSync(file, 'utf8'), 'GHIJ');
  });

  it('reports a directory that is gone, and goes on with the file it has', async () => {
    const gone = mkdtempSync(path.join(directory, 'gone-'));
    const file = path.join(gone, 'log');
    const fd = openSync(file, 'a');
    const copy = native.duplicate(fd);
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    native.pumpStart(token, readFd, native.duplicate(fd), 4, file, 1);
    rmSync(gone, { recursive: true });
    write(writeFd, 'abcd');
    await sleep(20);
    write(writeFd, 'efgh');
    native.close(writeFd);
    const { error, written } = await end(token);
    assert.deepEqual([error, written], [errno.ENOENT, 8]);
    assert.equal(statSync(`/proc/self/fd/${copy}`).size, 4 + 4);
    native.close(copy);
    closeSync(fd);
  });

  it('keeps draining when the target is full, and says why', async () => {
    const token = nextToken++;
    const full = openSync('/dev/full', 'w');
    const [readFd, writeFd] = pipe();
    native.pumpStart(token, readFd, native.duplicate(full), 0, '', 0);
    closeSync(full);
    const { status } = await run(shell('head -c 1000000 /dev/zero'), { fds: [-1, writeFd, -1] });
    assert.equal(status, 0, 'the writer was not blocked');
    assert.deepEqual(await end(token), {
      token,
      event: END,
      written: 0,
      dropped: 1_000_000,
      error: errno.ENOSPC,
    });
  });

  it('finishes with what is there, while somebody still has the other end', async () => {
    const buffer = native.memfd('finished', 0);
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    native.pumpStart(token, readFd, native.duplicate(buffer), 0, '', 0);
    write(writeFd, 'last words');
    native.pumpFinish(token);
    assert.equal((await end(token)).written, 10);
    assert.equal(native.write(writeFd, Buffer.from('x'), 0, 1), -errno.EPIPE);
    native.close(writeFd);
    native.close(buffer);
  });

  it('finishes although somebody writes without a pause', async () => {
    const [readFd, writeFd] = pipe();
    const token = nextToken++;
    native.pumpStart(token, readFd, native.memfd('flooded', 1 << 20), 1 << 20, '', 0);
    const ended = run(['/bin/busybox', 'yes'], { fds: [-1, writeFd, -1] });
    await sleep(50);
    native.pumpFinish(token);
    await end(token);
    await ended;
  });

  it('copies a pty to its end, every byte, although the writer is gone', async () => {
    const ptmx = openSync('/dev/ptmx', 'r+');
    const master = native.duplicate(ptmx);
    closeSync(ptmx);
    const buffer = native.memfd('pty', 0);
    const token = nextToken++;
    const ended = run(openTerminal('syswrite(S, "x" x 100) for 1 .. 500'), {
      fds: [-1, -1, -1, native.duplicate(master)],
    });
    native.pumpStart(token, master, native.duplicate(buffer), 0, '', 0);
    assert.equal((await ended).status, 0);
    assert.deepEqual(await end(token), {
      token,
      event: END,
      written: 50_000,
      dropped: 0,
      error: 0,
    });
    native.close(buffer);
  });

  it('finishes a pty whose other side somebody keeps open', async () => {
    const ptmx = openSync('/dev/ptmx', 'r+');
    const token = nextToken++;
    native.pumpStart(token, native.duplicate(ptmx), native.memfd('kept', 0), 0, '', 0);
    const startedAt = Date.now();
    native.pumpFinish(token);
    await end(token);
    assert.ok(Date.now() - startedAt < 1000);
    closeSync(ptmx);
  });
});
