import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { Container } from '../../src/index';
import { newBundle, newDobby, newId } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

/** Who removes the container and makes another one under its id. */
const others = ['the command line', 'another DobbyRunC of this process'] as const;

describe('a container that somebody has removed and made again', { skip: needsRuntime() }, () => {
  const ids: string[] = [];
  const second = newDobby();
  after(async () => {
    for (const id of ids) await dobby.destroy(id, { force: true }).catch(() => {});
    await second[Symbol.asyncDispose]();
  });
  const dobby = dobbyForSuite();

  async function replaced(by: (typeof others)[number]): Promise<{ old: Container; id: string }> {
    const id = newId('again');
    ids.push(id);
    const bundle = await newBundle(['/bin/sleep', '1000']);
    const old = await dobby.run(id, bundle);
    const root = dobby.getWorkingDir();
    if (by === 'the command line') {
      // To a file: the init inherits it, and a pipe would never end.
      const out = fs.openSync(path.join(temporaryDirectory('out'), 'out'), 'w');
      const run = (...args: string[]) =>
        execFileSync(runtime, ['--root', root, ...args], { stdio: ['ignore', out, out] });
      run('delete', '--force', id);
      run('create', '--bundle', bundle.path, id);
      run('start', id);
      fs.closeSync(out);
    } else {
      const other = newDobby({ root });
      await other.destroy(id, { force: true });
      await other.run(id, bundle);
      await other[Symbol.asyncDispose]();
    }
    return { old, id };
  }

  for (const by of others) {
    test(`by ${by}: the old handle’s verbs reject, saying so, and don’t touch the new one`, async () => {
      const { old, id } = await replaced(by);
      const isRefused = { code: 'ERR_CONTAINER_NOT_FOUND', message: /replaced by another one/ };
      await assert.rejects(old.start(), isRefused);
      await assert.rejects(old.pause(), isRefused);
      await assert.rejects(old.resume(), isRefused);
      await assert.rejects(old.stop(), isRefused);
      await assert.rejects(old.exec(['/bin/true']), isRefused);
      await assert.rejects(old.destroy({ force: true }), isRefused);
      await old[Symbol.asyncDispose]();
      assert.equal(await old.kill('SIGKILL'), false);
      assert.equal((await old.exited).signal, 'SIGKILL');
      assert.equal(await dobby.state(id), 'running');
      await dobby.destroy(id, { force: true });
    });

    test(`by ${by}: the id is the new one’s, for every operation`, async () => {
      const { old, id } = await replaced(by);
      const adopted = await dobby.adopt(id);
      assert.notEqual(adopted.pid, old.pid);
      const waiting = dobby.wait(id);
      await dobby.killCont(id, 'SIGKILL');
      assert.equal((await waiting).signal, 'SIGKILL');
      await dobby.destroy(id);
    });

    test(`by ${by}: stop ends the new one`, async () => {
      const { id } = await replaced(by);
      await dobby.stop(id, { graceMs: 50 });
      assert.equal(await dobby.state(id), 'stopped');
      await dobby.destroy(id);
    });
  }

  test('a handle stays good while its own container is started, paused and resumed', async () => {
    const container = await dobby.create(newId('same'), await newBundle(['/bin/sleep', '1000']));
    await container.start();
    await container.pause();
    await container.resume();
    const process = await container.exec(['/bin/true']);
    assert.equal((await process.exited).code, 0);
    await container.destroy({ force: true });
    await assert.rejects(container.start(), { code: 'ERR_CONTAINER_NOT_FOUND' });
  });
});
