// npm run test:emulated [-- --target linux-arm64|linux-arm] [PATH...]: what the package ships for arm64 and armv7, in an
// emulator (qemu-user) on this machine: the native tests as those architectures' programs, then the prebuilt addon in
// that architecture's Node (Debian's), in the tests of it and of whole containers made by this machine's runtimes.
//
// The emulator is no kernel: it has no clone3, its vfork does not share memory, PR_SET_CHILD_SUBREAPER fails. What the
// addon does without those is what is tested here; tests of what needs them are named in `lacking`.
// And whether each addon loads with musl, by musl's own loader.
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installMissing } from './lib/apt.mjs';
import { unpackForeign } from './lib/debian-sources.mjs';
import { checkOnMusl } from './lib/musl.mjs';
import { prebuildsDirectory, problemWithPrebuilds, targets } from './lib/prebuilds.mjs';
import { capture, findProgram, passThrough, repositoryRoot, runMain, Stop, say } from './lib/run.mjs';
import { setUp } from './setup.mjs';

const emulators = { 'linux-arm64': 'qemu-aarch64-static', 'linux-arm': 'qemu-arm-static' };

const onceTests = ['descriptors', 'spawn', 'exit-watch', 'fd-socket', 'poll', 'log-pump'].map(
  (name) => `test/native/${name}.test.ts`,
);
const containerTests = ['test/integration/life.test.ts'];

const lacking = {
  'test/native/orphans, workers': 'PR_SET_CHILD_SUBREAPER is EINVAL in the emulator',
  'test/native/drop-root': 'a Node takes 5 s to start in the emulator, and these are 18 of them',
};

/** Node of the target, by the emulator: a script that takes Node's arguments. */
async function provideNode(target) {
  // The first Debian release whose Node is new enough.
  const tree = await unpackForeign(`emulated/${target.name}`, {
    release: 'trixie',
    architecture: target.debian,
    packages: ['nodejs'],
  });
  const emulator = findProgram(emulators[target.name]);
  const first = path.join(repositoryRoot, 'scripts/lib/emulated-node.cjs');
  const script = path.join(tree, 'node');
  writeFileSync(
    script,
    `#!/bin/sh\nexec ${emulator} -L ${tree} ${tree}/usr/bin/node --require=${first} "$@"\n`,
  );
  chmodSync(script, 0o755);
  return script;
}

function testNative(target) {
  const build = path.join(repositoryRoot, 'build-cmake/emulated', target.name);
  const emulator = [findProgram(emulators[target.name]), '-L', `/usr/${target.triplet}`];
  capture('cmake', [
    ...['-S', '.', '-B', build, '-DCMAKE_BUILD_TYPE=MinSizeRel', '-DDOBBY_TESTS=ON', '-DVALGRIND='],
    `-DCMAKE_TOOLCHAIN_FILE=${repositoryRoot}/packaging/cmake/${target.name}.cmake`,
    `-DCMAKE_CROSSCOMPILING_EMULATOR=${emulator.join(';')}`,
  ]);
  capture('cmake', ['--build', build, '--parallel', '2']);
  return passThrough('ctest', ['--test-dir', build, '--output-on-failure', '--no-tests=error']);
}

async function testTarget(target, paths) {
  say(`\n##### ${target.name}, emulated`);
  const node = await provideNode(target);
  say(`Node ${capture(node, ['-p', 'process.version + " " + process.arch']).trim()}`);
  const env = {
    ...process.env,
    // Nothing may be skipped there, and here the emulator's lacks are.
    CI: '',
    DOBBY_NODE: node,
    DOBBY_RUNC_PREBUILD: path.join(prebuildsDirectory, target.name),
    // node -p and friends give setuid() up where io_uring may be in use, and the emulator has none.
    UV_USE_IO_URING: '0',
  };
  const test = (...args) =>
    passThrough(process.execPath, [path.join(repositoryRoot, 'scripts/test.mjs'), ...args], { env });
  if (paths.length > 0) return test('--row', 'crun-1.8.1-v1', ...paths);
  const codes = [await testNative(target), await test('--once', ...onceTests)];
  codes.push(await test('--row', 'crun-1.8.1-v1', ...containerTests));
  return Math.max(...codes);
}

runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { target: { type: 'string', multiple: true, default: Object.keys(emulators) } },
  });
  await installMissing(['crossArm64', 'crossArm', 'emulator']);
  await setUp('test');
  const problem = problemWithPrebuilds();
  if (problem !== undefined) throw new Stop(`${problem}: npm run prebuilds`);
  for (const [what, why] of Object.entries(lacking)) say(`Not run: ${what}: ${why}`);
  for (const target of targets) {
    const emulator = emulators[target.name] === undefined ? [] : [findProgram(emulators[target.name])];
    await checkOnMusl(target, path.join(prebuildsDirectory, target.name, 'dobby_runc.node'), emulator);
    say(`prebuilds/${target.name}/dobby_runc.node: loads with musl`);
  }
  const codes = [];
  for (const target of targets.filter(({ name }) => values.target.includes(name))) {
    codes.push(await testTarget(target, positionals));
  }
  return Math.max(...codes);
});
