import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { OutputBuffer } from '../../src/index';
import { newBundle, newId, runShell, textOf, until } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

describe('standard streams', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();
  const directory = temporaryDirectory('stdio');

  test("stdin 'pipe' is read to its end", async () => {
    const container = await runShell(dobby, 'wc -c', { stdin: 'pipe', stdout: 'pipe' });
    container.stdin?.end(Buffer.alloc(3_000_000, 'x'));
    const text = textOf(container.stdout);
    assert.equal((await container.exited).code, 0);
    assert.equal((await text).trim(), '3000000');
    await container.destroy();
  });

  test('writing to the stdin of a process that is gone fails in the callback only', async () => {
    const container = await runShell(dobby, 'exit 0', { stdin: 'pipe' });
    await container.exited;
    const error = await new Promise<Error | null | undefined>((resolve) => {
      container.stdin?.write('late', resolve);
    });
    assert.ok(error);
    await container.destroy();
  });

  test("'inherit' is this process's own output, for a container and for what is exec'd into it", async () => {
    const bundle = await newBundle([
      '/bin/sh',
      '-c',
      'echo init-out; echo init-err >&2; read line; echo init-end; exit 3',
    ]);
    const child = fork(path.join(__dirname, 'fixtures', 'inherits.js'), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
    const exited = once(child, 'exit');
    child.send({ runtime, root: dobby.getWorkingDir(), id: newId('inherit'), bundle: bundle.path });
    const [told] = await once(child, 'message');
    assert.deepEqual(told, { init: 3, exec: 4, streams: 0 });
    assert.deepEqual(await exited, [0, null]);
    // Which of two running programs writes first is theirs.
    assert.deepEqual((await stderr).split('\n').sort(), ['', 'exec-err', 'init-err']);
    assert.deepEqual((await stdout).split('\n').sort(), ['', 'exec-out', 'init-end', 'init-out']);
  });

  test("'pipe' carries megabytes with back-pressure and loses nothing", async () => {
    const container = await runShell(dobby, 'head -c 20000000 /dev/zero | tr "\\0" "y"; echo end', {
      stdout: 'pipe',
    });
    let size = 0;
    let tail = '';
    for await (const chunk of container.stdout as AsyncIterable<Buffer>) {
      size += chunk.length;
      tail = chunk.subarray(-4).toString();
    }
    assert.equal(size, 20_000_004);
    assert.equal(tail, 'end\n');
    assert.equal((await container.exited).code, 0);
    await container.destroy();
  });

  test("'pipe': what nobody reads is readable after the exit", async () => {
    const container = await runShell(dobby, 'head -c 60000 /dev/zero', { stdout: 'pipe' });
    await container.exited;
    await container.destroy();
    assert.equal((await textOf(container.stdout)).length, 60000);
  });

  test("'pipe': a descendant that keeps the pipe open does not hold the exit back, and its output still comes", async () => {
    const holder = await runShell(dobby, 'sleep 100');
    const process = await holder.exec(['/bin/sh', '-c', '(sleep 0.3; echo late) & echo early'], {
      stdout: 'pipe',
    });
    const startedAt = performance.now();
    assert.equal((await process.exited).code, 0);
    assert.ok(performance.now() - startedAt < 250);
    assert.equal(await textOf(process.stdout), 'early\nlate\n');
    await holder.destroy({ force: true });
  });

  test("'buffer' is readable while the container runs, after it, and is bounded", async () => {
    const container = await runShell(dobby, 'echo one; read x; head -c 2000000 /dev/zero', {
      stdin: 'pipe',
      stdout: 'buffer',
    });
    const buffer = container.stdout as OutputBuffer;
    assert.ok(buffer instanceof OutputBuffer);
    await until(() => buffer.contents().toString() === 'one\n');
    container.stdin?.end('go\n');
    await container.exited;
    await container.destroy();
    assert.equal(buffer.contents().length, 1024 * 1024);
    assert.equal(buffer.droppedBytes, 2_000_004 - 1024 * 1024);
    assert.equal((await textOf(buffer)).length, 1024 * 1024);
  });

  test("'buffer' as a stream follows the output to its end", async () => {
    const container = await runShell(dobby, 'for i in 1 2 3; do echo $i; sleep 0.05; done', {
      stderr: 'buffer',
      stdout: 'buffer',
    });
    assert.equal(await textOf(container.stdout), '1\n2\n3\n');
    assert.equal(await textOf(container.stderr), '');
    await container.destroy();
  });

  test('a file is started anew or appended to', async () => {
    const file = path.join(directory, 'plain');
    writeFileSync(file, 'old\n');
    const first = await runShell(dobby, 'echo new; echo err >&2', {
      stdout: { file, append: true },
      stderr: { file, append: true },
    });
    await first.exited;
    assert.equal(readFileSync(file, 'utf8'), 'old\nnew\nerr\n');
    const second = await runShell(dobby, 'echo only', { stdout: { file } });
    await second.exited;
    assert.equal(readFileSync(file, 'utf8'), 'only\n');
    await Promise.all([first.destroy(), second.destroy()]);
  });

  test('a file with maxBytes is rotated, both streams in one, complete at the exit', async () => {
    const file = path.join(directory, 'rotated');
    const target = { file, maxBytes: 10_000, keep: 2 };
    const container = await runShell(dobby, 'seq 1 4000; echo end >&2', { stdout: target, stderr: target });
    await container.exited;
    const all = [`${file}.2`, `${file}.1`, file].filter(existsSync).map((each) => readFileSync(each, 'utf8'));
    assert.ok(all.length >= 2 && all.every((text) => text.length <= 10_000));
    const lines = all.join('').trimEnd().split('\n').slice(1);
    assert.equal(lines.at(-1), 'end');
    // What was not rotated away is all there, in order.
    for (const [index, line] of lines.slice(0, -1).entries())
      assert.equal(Number(line), 4002 - lines.length + index);
    await container.destroy();
  });

  test('a descriptor and a FileHandle are given to the container and stay open here', async () => {
    const file = path.join(directory, 'handle');
    const handle = await open(file, 'w+');
    const container = await runShell(dobby, 'echo out; echo err >&2', { stdout: handle, stderr: handle.fd });
    await container.exited;
    await handle.write('mine\n');
    await handle.close();
    assert.equal(readFileSync(file, 'utf8'), 'out\nerr\nmine\n');
    await container.destroy();
  });
});
