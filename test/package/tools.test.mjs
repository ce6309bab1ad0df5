import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { link, nodes, project, run, tarball, tools } from './project.mjs';

const use = `
import { Bundle, type Container, DobbyRunC, type ExitStatus, RuntimeError } from 'dobby-runc';
export async function main(): Promise<number | null> {
  const dobby = new DobbyRunC({ runtime: 'crun', reaper: 'off' });
  const bundle: Bundle = await Bundle.create('/b', { rootfs: 'rootfs', args: ['/bin/true'] });
  try {
    const container: Container = await dobby.run('id', bundle, { stdout: 'pipe', timeoutMs: 1000 });
    container.stdout?.pipe(process.stdout);
    const status: ExitStatus = await container.exited;
    return status.code;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'ERR_CONTAINER_EXISTS') return null;
    throw error;
  }
}
`;

function fails(directory, args, options) {
  const { status, stderr } = run(directory, 'node', args, options);
  assert.notEqual(status, 0);
  return stderr;
}

describe('TypeScript', () => {
  for (const version of ['5.4', '5.9', '7'])
    it(`${version}, strict, with its libraries checked, resolved as node16, nodenext and bundler`, () => {
      const directory = project(`ts${version}`, { files: { 'use.ts': use, 'esm/use.mts': use } });
      link(directory, '@types/node');
      cpSync(path.join(tools, 'undici-types'), path.join(directory, 'node_modules/undici-types'), {
        recursive: true,
      });
      for (const resolution of ['node16', 'nodenext', 'bundler']) {
        writeFileSync(
          path.join(directory, 'tsconfig.json'),
          JSON.stringify({
            compilerOptions: {
              strict: true,
              skipLibCheck: false,
              noEmit: true,
              target: 'es2022',
              module: resolution === 'bundler' ? 'esnext' : resolution,
              moduleResolution: resolution,
              types: ['node'],
              preserveSymlinks: true,
            },
            files: ['use.ts', 'esm/use.mts'],
          }),
        );
        const tsc = path.join(tools, `typescript-${version}`, 'bin/tsc');
        const { status, stdout, stderr } = run(directory, 'node', [tsc, '-p', '.']);
        assert.equal(status, 0, `${resolution}: ${stdout}${stderr}`);
      }
    });

  it('without @types/node, where declarations are not checked', () => {
    const directory = project('no-types', { files: { 'use.ts': `declare const process: any;\n${use}` } });
    const options = [
      '--strict',
      '--skipLibCheck',
      '--noEmit',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--types',
      '',
    ];
    const tsc = path.join(tools, 'typescript-5.9/bin/tsc');
    const { status, stdout } = run(directory, 'node', [tsc, ...options.slice(0, -2), 'use.ts']);
    assert.equal(status, 0, stdout);
  });
});

describe('what looks at packages', () => {
  it('publint has nothing to say', () => {
    const directory = project('publint');
    const { status, stdout, stderr } = run(directory, 'node', [
      ...[path.join(tools, 'publint/src/cli.js'), 'run', tarball, '--strict'],
    ]);
    assert.equal(status, 0, stdout + stderr);
  });

  it('are-the-types-wrong: they are not', () => {
    const directory = project('attw');
    const attw = path.join(tools, '@arethetypeswrong/cli/dist/index.js');
    const { status, stdout, stderr } = run(directory, 'node', [
      attw,
      tarball,
      '--format',
      'ascii',
      '--no-color',
    ]);
    assert.equal(status, 0, stdout + stderr);
  });
});

const test = `test('loads and lists', async () => {
  const { DobbyRunC } = require('dobby-runc');
  const dobby = new DobbyRunC({ runtime: '/bin/true', root: '/tmp/dobby-runc-none' });
  expect(typeof dobby.getWorkingDir()).toBe('string');
  await dobby[Symbol.asyncDispose]();
});\n`;

describe('bundlers and test runners', () => {
  it('esbuild: external, or bundled with prebuilds/ copied beside it', () => {
    const source = "import { DobbyRunC } from 'dobby-runc'; console.log(typeof DobbyRunC)";
    const directory = project('esbuild', { files: { 'app.js': source } });
    const esbuild = path.join(tools, 'esbuild/bin/esbuild');
    for (const options of [['--external:dobby-runc'], []]) {
      const built = run(directory, 'node', [
        ...[esbuild, 'app.js', '--bundle', '--platform=node', '--outfile=out/app.js'],
        ...options,
      ]);
      assert.equal(built.status, 0, built.stderr);
      if (options.length === 0) {
        const installed = path.join(directory, 'node_modules/dobby-runc');
        cpSync(path.join(installed, 'prebuilds'), path.join(directory, 'out/prebuilds'), { recursive: true });
        rmSync(installed, { recursive: true });
      }
      const { status, stdout, stderr } = run(directory, 'node', ['out/app.js']);
      assert.deepEqual([status, stdout], [0, 'function\n'], stderr);
    }
  });

  it('jest', () => {
    const directory = project('jest', { files: { 'a.test.js': test, 'b.test.js': test } });
    const { status, stderr } = run(directory, 'node', [
      path.join(tools, 'jest/bin/jest.js'),
      '--runInBand',
      '--watchman=false',
    ]);
    assert.equal(status, 0, stderr);
  });

  it('vitest', () => {
    const directory = project('vitest', {
      files: {
        'a.test.mjs': `import { createRequire } from 'node:module';\nimport { test, expect } from 'vitest';\nconst require = createRequire(import.meta.url);\n${test}`,
      },
    });
    link(directory, 'vitest');
    const { status, stdout, stderr } = run(
      directory,
      'node',
      [path.join(tools, 'vitest/vitest.mjs'), 'run'],
      { node: nodes[22] },
    );
    assert.equal(status, 0, stdout + stderr);
  });
});

const load = ['-e', "require('dobby-runc')"];

describe('what says no says why, in one sentence', () => {
  const directory = project('failures');
  const installed = path.join(directory, 'node_modules/dobby-runc');
  const sentence = (stderr) => /Error: (dobby-runc: .*)/.exec(stderr)?.[1] ?? stderr;
  const permission = {
    20: '--experimental-permission',
    22: '--permission',
    24: '--permission',
    26: '--permission',
  };

  for (const [version, node] of Object.entries(nodes)) {
    it(`Node ${version}'s permissions`, () => {
      const options = [permission[version], '--allow-fs-read=*'];
      const without = fails(directory, [...options, ...load], { node });
      // Node 20 has no switch for addons: there they are always off.
      assert.match(sentence(without), /--allow-addons|Cannot load native addon/);
      if (version === '20') return;
      const { status, stderr } = run(directory, 'node', [...options, '--allow-addons', ...load], { node });
      assert.equal(status, 0, stderr);
      const both = [...options, '--allow-addons', '--allow-child-process', ...load];
      assert.equal(run(directory, 'node', both, { node }).status, 0);
    });
  }

  it('Bun, before the addon is loaded', () => {
    const bun = path.join(tools, '@oven/bun-linux-x64/bin/bun');
    const { status, stderr } = run(directory, bun, load);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /dobby-runc: Bun .* cannot load it .*use Node\.js/);
  });

  it('no binary, another architecture, or a C library that is too old', () => {
    const binaries = path.join(installed, 'prebuilds/linux-x64');
    const addon = path.join(binaries, 'dobby_runc.node');
    const kept = readFileSync(addon);
    copyFileSync(path.join(installed, 'prebuilds/linux-arm64/dobby_runc.node'), addon);
    assert.match(sentence(fails(directory, load)), /is not for this machine \(linux-x64\)/);
    // A name of the same length in its list of versions.
    writeFileSync(
      addon,
      Buffer.from(kept.toString('latin1').replaceAll(/GLIBC_2\.1\d/g, 'GLIBC_9.99'), 'latin1'),
    );
    const old = sentence(fails(directory, load));
    assert.match(
      old,
      /needs GLIBC_9\.99, which this machine's C library is too old for.*npx dobby-runc build/,
    );
    rmSync(binaries, { recursive: true });
    assert.match(
      sentence(fails(directory, load)),
      /no binary for linux-x64 in this package: 'npx dobby-runc build'/,
    );
    mkdirSync(binaries);
    writeFileSync(addon, kept);
    assert.equal(run(directory, 'node', load).status, 0);
  });
});
