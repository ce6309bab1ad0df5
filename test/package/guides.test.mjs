import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { cgroupEnv, nodes, project, repository, run } from './project.mjs';

const page = (name) => readFileSync(path.join(repository, name), 'utf8');

/** The block of code behind a comment. */
function blockAfter(text, comment) {
  const found = new RegExp(`<!-- ${comment} -->\\n\`\`\`\\w+\\n([^]*?)\`\`\``).exec(text);
  assert.ok(found, `no block behind ${comment}`);
  return found[1];
}

/** Runs a program in a view of the cgroups that crun takes. */
function runInCgroups(directory, args, { uid, node }) {
  const asUser = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return run(directory, cgroupEnv, ['auto', ...asUser, ...args], {
    node,
    env: { XDG_RUNTIME_DIR: directory },
  });
}

describe('README', () => {
  const hello = blockAfter(page('README.md'), 'hello\\.mjs');

  it('has a program of no more than 20 lines', () => assert.ok(hello.trim().split('\n').length <= 20));

  for (const [version, node] of Object.entries(nodes))
    for (const uid of [undefined, 65534])
      it(`whose first program runs on Node ${version} as ${uid === undefined ? 'root' : 'an ordinary user'}`, () => {
        const directory = project('readme', { files: { 'hello.mjs': hello }, node });
        const binaries = path.join(directory, 'hello/rootfs/bin');
        mkdirSync(binaries, { recursive: true });
        copyFileSync(process.env.DOBBY_BUSYBOX, path.join(binaries, 'busybox'));
        chmodSync(path.join(binaries, 'busybox'), 0o755);
        if (uid !== undefined)
          for (const name of ['', 'hello', 'hello/rootfs']) chownSync(path.join(directory, name), uid, uid);
        const { status, stdout, stderr } = runInCgroups(directory, [node, 'hello.mjs'], { uid, node });
        assert.deepEqual([status, stdout], [0, 'hello from box\nit ended with 7\n'], stderr);
      });
});

/** Makes an OCI image of busybox as umoci does, in place of one from a registry. */
function makeImage(directory) {
  const script = `set -e
    umoci init --layout made; umoci new --image made:debian; umoci unpack --image made:debian m
    mkdir -p m/rootfs/bin; cp ${process.env.DOBBY_BUSYBOX} m/rootfs/bin/busybox; ln -s busybox m/rootfs/bin/ls
    umoci repack --image made:debian m`;
  const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

describe('docs/rootfs.md', () => {
  const text = page('docs/rootfs.md');
  const program = blockAfter(text, 'run\\.mjs');
  const slow = process.env.DOBBY_SLOW_GUIDES === '1' ? false : 'takes a minute: DOBBY_SLOW_GUIDES=1';
  // CI allows no skipped test, so the slow one is not there at all unless it is asked for.
  for (const name of ['busybox', 'oci', ...(slow ? [] : ['debootstrap'])])
    it(`${name}: the snippet makes a root file system that runs`, () => {
      const directory = project(`rootfs-${name}`, { files: { 'run.mjs': program } });
      if (name === 'oci') makeImage(directory);
      // Packages are there already; and no registry can be reached.
      const script = blockAfter(text, `test: ${name}`)
        .replaceAll(/^sudo apt-get.*\n/gm, '')
        .replaceAll('sudo ', '')
        .replace('docker://debian:12', 'oci:made:debian')
        .replaceAll(/^node /gm, `${nodes[24]} `);
      const file = path.join(directory, 'snippet.sh');
      writeFileSync(file, `set -e\n${script}`);
      symlinkSync(process.env.DOBBY_BUSYBOX, path.join(directory, 'busybox'));
      const { status, stdout, stderr } = spawnSync(cgroupEnv, ['auto', 'sh', file], {
        cwd: directory,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${directory}:${process.env.PATH}` },
      });
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /^proc$/m);
    });
});
