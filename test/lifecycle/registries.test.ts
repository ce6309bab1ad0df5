import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { newBundle, newId } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

const repository = path.join(__dirname, '..', '..', '..');
const entry = path.join(repository, 'dist/src/index.js');

describe('more than one registry of modules in a process', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  test('two test files of jest in one process both make containers', async () => {
    const directory = temporaryDirectory('jest');
    for (const name of ['first', 'second']) {
      const data = { runtime, root: dobby.getWorkingDir(), id: newId(name) };
      const bundle = await newBundle(['/bin/sh', '-c', `echo ${name}; exit 5`]);
      writeFileSync(
        path.join(directory, `${name}.test.js`),
        `const { DobbyRunC } = require(${JSON.stringify(entry)});
        test(${JSON.stringify(name)}, async () => {
          const { runtime, root, id } = ${JSON.stringify(data)};
          const dobby = new DobbyRunC({ runtime, root });
          const container = await dobby.run(id, ${JSON.stringify(bundle.path)}, { stdout: 'buffer', stderr: 'pipe' });
          expect((await container.exited).code).toBe(5);
          expect(container.stdout.contents().toString()).toBe('${name}\\n');
          await container.destroy();
          await dobby[Symbol.asyncDispose]();
        });`,
      );
    }
    const jest = path.join(repository, 'node_modules/jest/bin/jest.js');
    const options = [
      '--runInBand',
      '--no-watchman',
      '--cacheDirectory',
      directory,
      '--config',
      '{"transform":{}}',
    ];
    const { status, stderr } = spawnSync(process.execPath, [jest, '--rootDir', directory, ...options], {
      encoding: 'utf8',
      env: { ...process.env, CI: 'true' },
    });
    assert.match(stderr, /Tests: +2 passed, 2 total/);
    assert.equal(status, 0, stderr);
  });

  test('two copies of the package in one process do not get in the way of each other', async () => {
    const bundle = await newBundle(['/bin/sh', '-c', 'echo x; exit 4']);
    const child = fork(path.join(__dirname, 'fixtures/two-copies.js'));
    child.send({
      entries: [entry, copyOfPackage()],
      runtime,
      root: dobby.getWorkingDir(),
      ids: [1, 2].map((copy) => [1, 2, 3].map(() => newId(`copy${copy}`))),
      bundle: bundle.path,
    });
    const [[told], [code]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
    assert.deepEqual(told, [
      [4, 4, 4],
      [4, 4, 4],
    ]);
    assert.equal(code, 0);
  });
});

/** Where its index is. */
function copyOfPackage(): string {
  const directory = temporaryDirectory('copy');
  const filter = (name: string): boolean => !/obj\.target|\.deps/.test(name);
  for (const part of ['dist/src', 'build/Release'])
    cpSync(path.join(repository, part), path.join(directory, part), { recursive: true, filter });
  return path.join(directory, 'dist/src/index.js');
}
