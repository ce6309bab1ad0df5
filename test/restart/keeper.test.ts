import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { initRecord } from '../../src/keeper/keeper';
import { readRecord } from '../../src/keeper/record';
import { newBundle, newDobby, newId, textOf, until } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { leftSince, snapshot } from '../helpers/leaks';
import { temporaryDirectory } from '../helpers/temporary';
import { mortalEnvironment } from './processes';

describe('keeper: own', { skip: needsRuntime() }, () => {
  test('containers and exec’d processes work as without, and their exits are told', async () => {
    const clean = snapshot();
    const dobby = newDobby({ keeper: 'own' });
    const id = newId('kept');
    const bundle = await newBundle(['/bin/sh', '-c', 'echo out; echo err >&2; read x; exit 5']);
    const container = await dobby.run(id, bundle, { stdin: 'pipe', stdout: 'kept-pipe', stderr: 'pipe' });
    const exited = await dobby.exec(id, ['/bin/sh', '-c', 'echo hello; exit 3'], { stdout: 'pipe' });
    assert.equal(await textOf(exited.stdout), 'hello\n');
    const { code, source } = await exited.exited;
    assert.equal(code, 3);
    assert.notEqual(source, 'unobserved');
    const killed = await dobby.exec(id, ['sleep', '1000']);
    await killed.kill('SIGTERM');
    assert.equal((await killed.exited).signal, 'SIGTERM');
    container.stdin?.write('\n');
    const [out, err] = await Promise.all([textOf(container.stdout), textOf(container.stderr)]);
    assert.deepEqual([out, err], ['out\n', 'err\n']);
    assert.equal((await container.exited).code, 5);
    await container.destroy();
    await dobby[Symbol.asyncDispose]();
    assert.deepEqual(await leftSince(clean, { isExpected }), []);
  });

  test('many processes that end at once are all told right', async () => {
    const dobby = newDobby({ keeper: 'own' });
    const container = await dobby.run(newId('kept'), await newBundle(['sleep', '1000']));
    const codes = Array.from({ length: 20 }, (_, index) => index);
    const ended = await Promise.all(
      codes.map(
        async (code) => (await (await container.exec(['/bin/sh', '-c', `exit ${code}`])).exited).code,
      ),
    );
    assert.deepEqual(ended, codes);
    await container.destroy({ force: true });
    await dobby[Symbol.asyncDispose]();
  });

  test('a keeper that is killed costs nobody else anything, and the exit is still told', async () => {
    const root = path.join(temporaryDirectory('kept'), 'root');
    const dobby = newDobby({ root, keeper: 'own' });
    const id = newId('kept');
    const container = await dobby.run(id, await newBundle(['sleep', '1000']));
    const keeperPid = readRecord(initRecord(root, id))?.keeperPid ?? 0;
    assert.ok(keeperPid > 1);
    process.kill(keeperPid, 'SIGKILL');
    const { exited } = await dobby.exec(id, ['/bin/sh', '-c', 'exit 4']);
    assert.equal((await exited).code, 4);
    await container.kill('SIGKILL');
    const { signal, source } = await container.exited;
    assert.equal(signal, 'SIGKILL');
    assert.notEqual(source, 'unobserved');
    await container.destroy();
    await dobby[Symbol.asyncDispose]();
  });

  test('a create that fails leaves no keeper and no record', async () => {
    const clean = snapshot();
    const dobby = newDobby({ keeper: 'own', createTimeoutMs: 500 });
    const hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 1000 & wait'] }] };
    await assert.rejects(dobby.create(newId('kept'), await newBundle(['/bin/true'], { hooks })), {
      code: 'ERR_TIMEOUT',
    });
    await assert.rejects(dobby.run(newId('kept'), await newBundle(['/nonexistent'])));
    await dobby[Symbol.asyncDispose]();
    assert.deepEqual(await leftSince(clean, { isExpected }), []);
  });

  test('what ends while nobody is there is told to the next process, with the rest of its output', async () => {
    const clean = snapshot();
    const { root, id, child, report } = await abandoned();
    child.kill('SIGKILL');
    await once(child, 'exit');
    // Everything ends now, with no process of ours alive.
    rmSync(report.gate);
    await until(() => report.records.every((record) => readRecord(record)?.status));
    const dobby = newDobby({ root });
    const container = await dobby.adopt(id);
    const execs = await dobby.adoptExecs(id);
    const text = textOf(container.stdout);
    const status = await container.exited;
    assert.deepEqual([status.code, status.signal, status.source], [9, null, 'keeper']);
    assert.equal(await text, 'first\nlast\n');
    const statuses = await Promise.all(execs.map((each) => each.exited));
    assert.deepEqual(statuses.map(({ code, source }) => `${code} ${source}`).sort(), [
      '21 keeper',
      '22 keeper',
      '23 keeper',
    ]);
    const outputs = await Promise.all(execs.map((each) => textOf(each.stdout)));
    assert.deepEqual(outputs.sort(), ['exec 21\n', 'exec 22\n', 'exec 23\n']);
    await container.destroy();
    await dobby[Symbol.asyncDispose]();
    assert.equal(existsSync(path.dirname(report.records[0] as string)), false);
    assert.deepEqual(await leftSince(clean, { isExpected }), []);
  });
});

/** Its own descriptors are opened once; a keeper that came to us as an orphan is reaped within ten seconds. */
function isExpected(line: string): boolean {
  return /^(temporaryFiles|descriptors): |^children: zombie /.test(line);
}

interface Abandoned {
  root: string;
  id: string;
  child: ChildProcess;
  report: { gate: string; records: string[] };
}

/** A container with three exec'd processes that all end when the file `gate` is removed; and their process. */
async function abandoned(): Promise<Abandoned> {
  const place = temporaryDirectory('kept');
  const root = path.join(place, 'root');
  const id = newId('kept');
  const child = spawn(process.execPath, [path.join(__dirname, 'keep-some.js'), root, id, place], {
    env: mortalEnvironment(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const file = path.join(place, 'report.json');
  await until(() => existsSync(file), 20_000);
  return { root, id, child, report: JSON.parse(readFileSync(file, 'utf8')) as Abandoned['report'] };
}
