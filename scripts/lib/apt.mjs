// Debian packages: installed only when what they bring is missing, without a question asked.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { clangVersion, findFuzzingClang } from './clang.mjs';
import { capture, captureWithRetries, findProgram, isRoot, Stop, say } from './run.mjs';

/** What the project uses of the system: how to see that it is there, and the package that brings it. */
export const needs = {
  crun: { package: 'crun', why: 'the container runtime', isThere: () => findProgram('crun') },
  runc: { package: 'runc', why: 'the second container runtime', isThere: () => findProgram('runc') },
  busybox: {
    package: 'busybox-static',
    why: 'the programs inside the containers',
    isThere: () => findStaticBusybox(),
  },
  compiler: { package: 'g++', why: 'builds the native addon', isThere: () => findProgram('c++') },
  make: { package: 'make', why: 'builds the native addon', isThere: () => findProgram('make') },
  python: { package: 'python3', why: 'node-gyp is written for it', isThere: () => findProgram('python3') },
  cmake: { package: 'cmake', why: 'builds the native tests', isThere: () => findProgram('cmake') },
  crossArm64: {
    package: 'g++-aarch64-linux-gnu',
    why: 'builds the addon for arm64',
    isThere: () => findProgram('aarch64-linux-gnu-g++'),
  },
  crossArm: {
    package: 'g++-arm-linux-gnueabihf',
    why: 'builds the addon for armv7',
    isThere: () => findProgram('arm-linux-gnueabihf-g++'),
  },
  emulator: {
    package: 'qemu-user-static',
    why: 'runs the tests of other architectures',
    isThere: () => findProgram('qemu-aarch64-static'),
  },
  skopeo: { package: 'skopeo', why: 'a guide that is tested uses it', isThere: () => findProgram('skopeo') },
  umoci: { package: 'umoci', why: 'a guide that is tested uses it', isThere: () => findProgram('umoci') },
  patchelf: {
    package: 'patchelf',
    why: 'lets another release of a runtime run with its own libraries',
    isThere: () => findProgram('patchelf'),
  },
  valgrind: { package: 'valgrind', why: 'runs the native tests', isThere: () => findProgram('valgrind') },
  clang: {
    package: `clang-${clangVersion()}`,
    why: 'builds the fuzz targets',
    isThere: () => findFuzzingClang() ?? findProgram(`clang++-${clangVersion()}`),
  },
  clangTidy: {
    package: `clang-tidy-${clangVersion()}`,
    why: 'looks for faults in native/',
    isThere: () => findProgram(`clang-tidy-${clangVersion()}`),
  },
  fuzzer: {
    package: `libclang-rt-${clangVersion()}-dev`,
    why: 'libFuzzer and its sanitizers',
    isThere: () => findFuzzingClang(),
  },
};

/** A busybox that needs no libraries in the container's root file system. */
export function findStaticBusybox() {
  for (const file of ['/bin/busybox', '/usr/bin/busybox', findProgram('busybox')]) {
    try {
      // A dynamically linked program names its loader near its start.
      if (file && !readFileSync(file).subarray(0, 4096).includes('/ld-')) return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

const aptEnvironment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

/** Runs apt-get and tries again when it fails. */
export function aptGet(args) {
  return captureWithRetries('apt-get', ['-o', 'Acquire::Retries=3', ...args], { env: aptEnvironment });
}

export function hasApt() {
  return findProgram('apt-get') !== undefined;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Package lists that are missing or older than a day name packages that the mirror may not have any more. */
function arePackageListsFresh() {
  const lists = capture('sh', ['-c', 'eval "$(apt-config shell d Dir::State::lists/d)"; echo "$d"']).trim();
  try {
    const hasLists = readdirSync(lists).some((name) => name.endsWith('Release'));
    // apt-get update writes here whether or not the mirror had anything new.
    return hasLists && Date.now() - statSync(path.join(lists, 'partial')).mtimeMs < dayMs;
  } catch {
    return false;
  }
}

export async function refreshPackageLists() {
  if (arePackageListsFresh()) return;
  say("  apt-get update: the machine's package lists are missing or old");
  await aptGet(['update']);
}

/** Installs what is missing of the needs named; says what and why. */
export async function installMissing(names) {
  const missing = names.filter((name) => !needs[name].isThere());
  if (missing.length === 0) return;
  const packages = missing.map((name) => needs[name].package);
  const list = missing.map((name) => `${needs[name].package} (${needs[name].why})`).join(', ');
  if (!hasApt()) {
    throw new Stop(
      `Missing: ${list}. This machine has no apt-get: install them by its own means, then run this again.`,
    );
  }
  if (!isRoot) {
    throw new Stop(
      `Missing: ${list}. Only root can install them: sudo apt-get install ${packages.join(' ')}`,
    );
  }
  say(`Installing ${list}`);
  await refreshPackageLists();
  await aptGet(['install', '--yes', '--no-install-recommends', ...packages]);
  for (const name of missing) {
    if (!needs[name].isThere())
      throw new Stop(`${needs[name].package} was installed, and still there is no ${name}`);
  }
}
