import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import type { Container, ContainerProcess } from '../../src/index';
import { newBundle, newId, runShell, textOf, until } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

describe('terminals', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  test('a container with a terminal has its size, reads what is written and gets SIGWINCH', async () => {
    const script =
      'stty size; trap "stty size; exit 3" WINCH; read line; echo "got $line"; while :; do sleep 0.02; done';
    const container = await dobby.create(
      newId(),
      await newBundle(['/bin/sh', '-c', script], { terminal: true }),
      {
        tty: { cols: 90, rows: 33 },
      },
    );
    assert.equal(container.stdout, null);
    const text = collect(container);
    await container.start();
    await until(() => text().includes('33 90'));
    container.tty?.write('hello\n');
    await until(() => text().includes('got hello'));
    container.tty?.resize(100, 40);
    assert.equal((await container.exited).code, 3);
    assert.match(text(), /40 100/);
    await container.destroy();
  });

  test('every byte of a terminal is read before exited resolves', async () => {
    for (let round = 0; round < 5; round++) {
      const bundle = await newBundle(['/bin/sh', '-c', 'seq 1 20000; echo end'], { terminal: true });
      const container = await dobby.create(newId(), bundle, { tty: true });
      const text = collect(container);
      await container.start();
      await container.exited;
      const lines = text().trim().split('\r\n');
      assert.equal(lines.length, 20001);
      assert.equal(lines[20000], 'end');
      await container.destroy();
    }
  });

  test('exec with a terminal: output, size and exit status', async () => {
    const container = await runShell(dobby, 'sleep 100');
    const process = await container.exec(['/bin/sh', '-c', 'stty size; test -t 0 && echo tty; exit 6'], {
      tty: { cols: 120, rows: 50 },
    });
    assert.equal((await process.exited).code, 6);
    const text = await textOf(process.tty);
    assert.equal(text, '50 120\r\ntty\r\n');
    await container.destroy({ force: true });
  });

  test('a terminal of the bundle and the option tty must agree', async () => {
    const withTerminal = await newBundle(['/bin/true'], { terminal: true });
    const without = await newBundle(['/bin/true']);
    const expected = { code: 'ERR_INVALID_BUNDLE', message: /process\.terminal/ };
    await assert.rejects(dobby.create(newId(), withTerminal), expected);
    await assert.rejects(dobby.create(newId(), without, { tty: true }), expected);
  });

  test('resize and end() after the end have no effect', async () => {
    const bundle = await newBundle(['/bin/true'], { terminal: true });
    const container = await dobby.run(newId(), bundle, { tty: true });
    await container.exited;
    await textOf(container.tty);
    container.tty?.resize(10, 10);
    container.tty?.end();
    assert.throws(() => container.tty?.resize(-1, 10), RangeError);
    await container.destroy();
    container.tty?.resize(10, 10);
  });

  test('end() sends the end-of-file character once where lines are read', async () => {
    const script = 'cat; echo ended; cat; echo again';
    const bundle = await newBundle(['/bin/sh', '-c', script], { terminal: true });
    const container = await dobby.run(newId(), bundle, { tty: true });
    const text = collect(container);
    container.tty?.write('line\n');
    await until(() => /line\r\nline\r\n/.test(text()));
    container.tty?.end();
    await until(() => text().includes('ended'));
    // Once: the second cat still waits.
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(!text().includes('again'));
    await container.destroy({ force: true });
  });

  test('end() sends the character that the program has set, and none where bytes are read', async () => {
    const set = await runTerminal('stty eof x; echo ready; cat; echo ended; sleep 100');
    await until(() => set.text().includes('ready'));
    set.container.tty?.end();
    await until(() => set.text().includes('ended'));
    await set.container.destroy({ force: true });
    const raw = await runTerminal('stty raw -echo; echo ready; cat; echo ended');
    await until(() => raw.text().includes('ready'));
    raw.container.tty?.end('x');
    await until(() => raw.text().includes('x'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(raw.text().replaceAll(/\s/g, ''), 'readyx');
    await raw.container.destroy({ force: true });
  });

  test('what was printed is readable after destroy, until the stream is destroyed', async () => {
    const bundle = await newBundle(['/bin/sh', '-c', 'seq 1 30000; echo end'], { terminal: true });
    const container = await dobby.run(newId(), bundle, { tty: true });
    let text = '';
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        setTimeout(done, 5);
      },
    });
    container.tty?.pipe(slow);
    await container.exited;
    await container.destroy();
    await once(slow, 'finish');
    assert.equal(text.trim().split('\r\n').length, 30_001);
    assert.ok(text.endsWith('end\r\n'));
  });

  test('what a killed container has printed is readable too, and one that nobody reads leaves nothing', async () => {
    const script = 'sleep 1000 & seq 1 500; echo end; wait';
    const bundle = await newBundle(['/bin/sh', '-c', script], { terminal: true });
    const [read, unread] = await Promise.all([1, 2].map(() => dobby.run(newId(), bundle, { tty: true })));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.all([read?.destroy({ force: true }), unread?.destroy({ force: true })]);
    const text = await textOf(read?.tty ?? null);
    assert.ok(text.endsWith('end\r\n'));
    assert.equal(unread?.tty?.fd, -1);
  });

  async function runTerminal(script: string): Promise<{ container: Container; text: () => string }> {
    const bundle = await newBundle(['/bin/sh', '-c', script], { terminal: true });
    const container = await dobby.run(newId(), bundle, { tty: true });
    return { container, text: collect(container) };
  }
});

function collect(process: ContainerProcess): () => string {
  let text = '';
  process.tty?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}
