import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerProcess } from '../../src/index';
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

  test('resize after the end throws, and writing there harms nobody', async () => {
    const bundle = await newBundle(['/bin/true'], { terminal: true });
    const container = await dobby.run(newId(), bundle, { tty: true });
    await container.exited;
    await textOf(container.tty);
    assert.throws(() => container.tty?.resize(10, 10), { code: 'EBADF' });
    await container.destroy();
  });
});

function collect(process: ContainerProcess): () => string {
  let text = '';
  process.tty?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}
