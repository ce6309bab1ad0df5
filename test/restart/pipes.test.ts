import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newBundle, newDobby, newId, until } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';
import { killAfter } from './processes';

describe('pipes of a killed process', { skip: needsRuntime() }, () => {
  test('a pipe ends the program that writes to it; a kept pipe makes it wait for the next process', async () => {
    const root = path.join(temporaryDirectory('pipes'), 'root');
    const [piped, kept] = [newId('piped'), newId('kept')];
    await killAfter(0, 'stream-two.js', [root, piped, kept]);
    const dobby = newDobby({ root });
    await until(async () => (await dobby.state(piped)) === 'stopped');
    await delay(100);
    assert.equal(await dobby.state(kept), 'running');
    const container = await dobby.adopt(kept);
    let bytes = 0;
    container.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    // More than the pipe can have held: the program writes again.
    await until(() => bytes > 4 * 1024 * 1024);
    await container.destroy({ force: true });
    assert.equal((await container.exited).signal, 'SIGKILL');
    await dobby.destroy(piped);
    await dobby[Symbol.asyncDispose]();
  });

  test('a kept pipe whose container ends is read to its end and closed, also when nobody listens', async () => {
    const dobby = newDobby();
    const bundle = await newBundle(['/bin/sh', '-c', 'echo to nobody']);
    const container = await dobby.run(newId('kept'), bundle, { stdout: 'kept-pipe' });
    await container.exited;
    await until(() => (container.stdout as unknown as { fd: number }).fd === -1);
    assert.equal(String(container.stdout?.read()), 'to nobody\n');
    await container.destroy();
    await dobby[Symbol.asyncDispose]();
  });
});
