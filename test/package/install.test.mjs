import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { cgroupEnv, managers, nodes, project, repository, run, tarball } from './project.mjs';

const life = `
const { Bundle, DobbyRunC } = require('dobby-runc');
const fs = require('node:fs'), path = require('node:path');
(async () => {
  const at = fs.mkdtempSync(path.join(process.cwd(), 'life-'));
  fs.mkdirSync(at + '/rootfs/bin', { recursive: true });
  fs.copyFileSync(process.env.DOBBY_BUSYBOX, at + '/rootfs/bin/busybox');
  const bundle = await Bundle.create(at, { rootfs: 'rootfs', args: ['/bin/busybox', 'sh', '-c', 'echo out; exit 5'] });
  const dobby = new DobbyRunC({ runtime: 'crun', root: at + '/state', keeper: process.argv[2] ?? 'none' });
  const container = await dobby.run('life-' + process.pid, bundle, { stdout: 'buffer' });
  const { code } = await container.exited;
  console.log(code, String(container.stdout.contents()).trim());
  await container.destroy();
  await dobby[Symbol.asyncDispose]();
})();
`;

const names = 'console.log(typeof dobby.DobbyRunC, typeof dobby.Bundle)';
const expected = 'function function\n';

const files = {
  'life.cjs': life,
  'require.cjs': `const dobby = require('dobby-runc'); ${names}`,
  'import.mjs': `import * as dobby from 'dobby-runc'; ${names}`,
  'worker.cjs': `const { Worker, isMainThread } = require('node:worker_threads');
    if (isMainThread) new Worker(__filename); else { const dobby = require('dobby-runc'); ${names} }`,
  'two.cjs': `const first = require('dobby-runc'), second = require('./copy/dobby-runc');
    if (first.DobbyRunC === second.DobbyRunC) throw new Error('one copy'); const dobby = second; ${names}`,
};

function says(directory, args, options) {
  const { status, stdout, stderr } = run(directory, 'node', args, options);
  assert.equal(status, 0, stderr);
  return stdout;
}

describe('installed without a compiler and without scripts', () => {
  for (const [version, node] of Object.entries(nodes)) {
    it(`Node ${version}: required, imported, in a worker, under odd options, and with a container`, () => {
      const directory = project(`node${version}`, { files, node });
      assert.ok(says(directory, ['--version'], { node }).startsWith(`v${version}.`));
      for (const file of ['require.cjs', 'import.mjs', 'worker.cjs']) {
        assert.equal(says(directory, [file], { node }), expected, file);
      }
      for (const option of ['--frozen-intrinsics', '--disable-proto=throw', '--disable-proto=delete']) {
        const { status, stdout, stderr } = run(directory, 'node', [option, 'require.cjs'], { node });
        assert.deepEqual([status, stdout], [0, expected], `${option}: ${stderr}`);
      }
      for (const keeper of ['none', 'own']) {
        const made = run(directory, cgroupEnv, ['auto', node, 'life.cjs', keeper], { node });
        assert.deepEqual([made.status, made.stdout], [0, '5 out\n'], made.stderr);
      }
      assert.match(
        says(directory, ['node_modules/.bin/dobby-runc', '--version'], { node }),
        /^\d+\.\d+\.\d+\n$/,
      );
    });
  }

  for (const manager of Object.keys(managers).filter((name) => name !== 'npm')) {
    it(`${manager}'s layout`, () => {
      const directory = project(manager, { manager, files });
      for (const file of ['require.cjs', 'import.mjs']) assert.equal(says(directory, [file]), expected, file);
    });
  }

  it('twice in one process', () => {
    const directory = project('two', { files });
    says(directory, [
      '-e',
      "require('fs').cpSync('node_modules/dobby-runc', 'copy/dobby-runc', { recursive: true })",
    ]);
    assert.equal(says(directory, ['two.cjs']), expected);
  });
});

describe('what is in the tarball', () => {
  const directory = project('contents');
  const installed = path.join(directory, 'node_modules/dobby-runc');
  const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));

  it('has under 600 KB', () => assert.ok(statSync(tarball).size < 600_000, `${statSync(tarball).size}`));

  it('depends on nothing at run time, and installs by no script', () => {
    assert.equal(manifest.dependencies, undefined);
    assert.deepEqual(
      readdirSync(path.join(directory, 'node_modules')).filter((name) => !name.startsWith('.')),
      ['dobby-runc'],
    );
    for (const script of ['preinstall', 'install', 'postinstall'])
      assert.equal(manifest.scripts[script], undefined);
  });

  it('has every file that its own pages link to', () => {
    const pages = readdirSync(installed, { recursive: true }).filter(
      (name) => name.endsWith('.md') && !name.startsWith('lib/'),
    );
    assert.ok(pages.includes('README.md'));
    const missing = pages.flatMap((page) => {
      const text = readFileSync(path.join(installed, page), 'utf8');
      return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map(([, target]) => path.join(path.dirname(page), target))
        .filter((target) => !existsSync(path.join(installed, target)))
        .map((target) => `${page}: ${target}`);
    });
    assert.deepEqual(missing, []);
  });

  it('has no file that names the machine it was packed on', () => {
    const naming = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(repository.replace(/\/$/, '')));
    assert.deepEqual(naming, []);
  });
});
