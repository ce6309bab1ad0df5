import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { DobbyRunC, OperationEvent } from '../../src/index';
import { newBundle, newDobby, newId } from '../helpers/containers';
import { kind, needsRuntime, runtime, version } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';

const directory = temporaryDirectory('kinds');

function copyAs(name: string): string {
  const file = path.join(directory, name);
  copyFileSync(runtime, file);
  chmodSync(file, 0o755);
  return file;
}

function script(name: string, text: string): string {
  const file = path.join(directory, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Every verb once. Returns how each was done, and what was warned of. */
async function life(dobby: DobbyRunC): Promise<{ ways: Record<string, string>; warnings: string[] }> {
  const ways: Record<string, string> = {};
  const warnings: string[] = [];
  const listen = (event: OperationEvent): void => {
    ways[event.op] = event.way;
    warnings.push(...(event.warnings ?? []));
  };
  dobby.on('operation', listen);
  const id = newId('kind');
  const container = await dobby.create(id, await newBundle(['/bin/sleep', '100']));
  await container.start();
  assert.equal(await dobby.state(id), 'running');
  assert.deepEqual(
    (await dobby.list()).map((item) => item.id),
    [id],
  );
  const ran = await container.exec(['/bin/sh', '-c', 'exit 3']);
  assert.equal((await ran.exited).code, 3);
  await dobby.pause(id);
  await dobby.resume(id);
  await dobby.killCont(id, 'SIGKILL');
  assert.equal((await container.exited).signal, 'SIGKILL');
  await dobby.destroy(id);
  dobby.off('operation', listen);
  return { ways, warnings };
}

const kDirect = ['start', 'state', 'list', 'pause', 'resume', 'kill', 'destroy'];

describe('what a runtime is', { skip: needsRuntime() }, () => {
  const made: DobbyRunC[] = [];
  after(async () => {
    for (const dobby of made) await dobby[Symbol.asyncDispose]();
  });
  const drive = (file: string): DobbyRunC => {
    const dobby = newDobby({ runtime: file });
    made.push(dobby);
    return dobby;
  };

  const other = kind === 'crun' ? 'runc' : 'crun';
  for (const name of ['oci-runtime', `${other}-like`, other, `my-${other}-${kind}`]) {
    test(`is told by --version, not by the file's name '${name}'`, async () => {
      const dobby = drive(copyAs(name));
      const { ways, warnings } = await life(dobby);
      for (const verb of kDirect) assert.equal(ways[verb], 'direct', verb);
      assert.deepEqual(warnings, []);
      const told = await dobby.version();
      assert.equal(told.kind, kind);
      assert.ok(told.version.startsWith(version) && told.proven, told.version);
      await assert.rejects(dobby.start('nobody'), { code: 'ERR_CONTAINER_NOT_FOUND' });
      assert.equal(await dobby.state('nobody'), 'unknown');
    });
  }

  test('is told through a wrapper script', async () => {
    const { ways } = await life(drive(script('wrapped-runc-crun', `exec ${runtime} "$@"`)));
    for (const verb of kDirect) assert.equal(ways[verb], 'direct', verb);
  });

  test('of a third kind is driven by its command line, says so once, and is not guessed at', async () => {
    const words = 'the youki way does not work out';
    const file = script(
      'youki',
      `case "$*" in *--version*) echo 'youki version 0.5.5'; exit;; esac
out=$(${runtime} "$@" 2>&1 </dev/null) && printf %s "$out" && exit
: >"$4"
echo '${words}' >&2; exit 1`,
    );
    // The container must not hold the pipe of $(…) open.
    const create = file.replace(/youki$/, 'youki-create');
    renameSync(file, create);
    script(
      'youki',
      `for arg; do case "$arg" in create|exec) exec ${runtime} "$@";; esac; done; exec ${create} "$@"`,
    );
    const dobby = drive(file);
    const { ways, warnings } = await life(dobby);
    for (const verb of kDirect) assert.equal(ways[verb], 'cli', verb);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /'youki'.*command line/);
    assert.deepEqual(await dobby.version(), { kind: 'other', version: '0.5.5', proven: false });
    await assert.rejects(dobby.inspect('nobody'), { code: 'ERR_RUNTIME_FAILED', message: new RegExp(words) });
    assert.deepEqual(await dobby.leftovers(), []);
  });

  test('is asked again when its file is replaced', async () => {
    const file = copyAs('replaced');
    const dobby = drive(file);
    assert.equal((await dobby.version()).kind, kind);
    script('replacing', `case "$*" in *--version*) echo 'else version 2'; exit;; esac; exec ${runtime} "$@"`);
    await dobby.list();
    renameSync(path.join(directory, 'replacing'), file);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await dobby.list();
    assert.equal((await dobby.version()).kind, 'other');
  });
});
