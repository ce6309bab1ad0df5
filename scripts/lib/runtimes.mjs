// The runtimes that tests run against: the machine's own, and the other Debian releases' unpacked beside
// them in .cache/runtimes/<name>, with their own loader and libraries.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { installMissing } from './apt.mjs';
import { downloadPackages, machineRelease } from './debian-sources.mjs';
import { capture, findProgram, repositoryRoot, say } from './run.mjs';

/**
 * @typedef {object} Runtime
 * @property {'crun' | 'runc'} kind
 * @property {string} release  the Debian release it is of, or 'this machine'
 * @property {string} version  such as 1.8.1
 * @property {string} name     such as crun-1.8.1
 * @property {string} file     absolute path of the binary
 */

export const kinds = ['crun', 'runc'];
export const releases = ['bookworm', 'trixie', 'forky'];

const cache = path.join(repositoryRoot, '.cache/runtimes');

function versionOf(file) {
  return /version ([0-9][0-9.]*[0-9])/.exec(capture(file, ['--version']))?.[1] ?? 'unknown';
}

function doesRun(file) {
  return spawnSync(file, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** @returns {Runtime | undefined} */
function installedRuntime(kind, release) {
  const file = findProgram(kind);
  if (file === undefined) return undefined;
  const version = versionOf(file);
  return { kind, release, version, name: `${kind}-${version}`, file };
}

function stampOf(directory) {
  try {
    return JSON.parse(readFileSync(path.join(directory, 'runtime.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** What an earlier run unpacked, unless the checkout has moved since (library paths are absolute).
 * @returns {Runtime | undefined} */
function unpackedRuntime(kind, release) {
  if (!existsSync(cache)) return undefined;
  return readdirSync(cache)
    .map((name) => stampOf(path.join(cache, name)))
    .find(
      (stamp) =>
        stamp?.kind === kind &&
        stamp.release === release &&
        existsSync(stamp.file) &&
        path.dirname(path.dirname(stamp.file)) === cache,
    );
}

function librariesBelow(directory) {
  const found = new Map();
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isDirectory() && /\.so(\.|$)/.test(entry.name) && !file.includes('/gconv/'))
      found.set(entry.name, file);
  }
  return found;
}

/** The program's libraries and theirs, as names. */
function neededBy(program, libraries) {
  const needed = new Set();
  const queue = [program];
  for (const file of queue) {
    for (const name of capture('patchelf', ['--print-needed', file]).trim().split('\n')) {
      const library = libraries.get(name);
      if (library === undefined || needed.has(name)) continue;
      needed.add(name);
      queue.push(library);
    }
  }
  return needed;
}

/** @returns {Runtime | undefined} */
function placeRuntime(kind, release, unpacked) {
  const source = ['usr/bin', 'usr/sbin'].map((bin) => path.join(unpacked, bin, kind)).find(existsSync);
  const libraries = librariesBelow(unpacked);
  const loader = path.basename(capture('patchelf', ['--print-interpreter', source]).trim());
  const temporary = path.join(unpacked, 'placed');
  mkdirSync(path.join(temporary, 'lib'), { recursive: true });
  for (const name of neededBy(source, libraries).add(loader)) {
    copyFileSync(realpathSync(libraries.get(name)), path.join(temporary, 'lib', name));
    chmodSync(path.join(temporary, 'lib', name), 0o755);
  }
  // The package's file name has the version, and its libraries' place has to be known before it can run.
  const version = versionOfPackage(unpacked, kind);
  const name = `${kind}-${version}`;
  const place = path.join(cache, name);
  const program = path.join(temporary, kind);
  copyFileSync(source, program);
  // Absolute paths, since the program is also started from a memfd, where $ORIGIN means nothing; and RPATH,
  // not RUNPATH, since it also holds for the libraries that libraries need.
  capture('patchelf', ['--set-interpreter', path.join(place, 'lib', loader), program]);
  capture('patchelf', ['--force-rpath', '--set-rpath', path.join(place, 'lib'), program]);
  const runtime = { kind, release, version, name, file: path.join(place, kind) };
  writeFileSync(path.join(temporary, 'runtime.json'), `${JSON.stringify(runtime, null, 2)}\n`);
  rmSync(place, { recursive: true, force: true });
  renameSync(temporary, place);
  if (doesRun(runtime.file)) return runtime;
  // patchelf breaks some Go programs. An older release's program runs with newer libraries as well.
  copyFileSync(source, runtime.file);
  if (doesRun(runtime.file)) return runtime;
  say(`  ${name} does not run on this machine, and is left out`);
  rmSync(place, { recursive: true });
  return undefined;
}

function versionOfPackage(unpacked, kind) {
  const version = readFileSync(path.join(unpacked, `${kind}.version`), 'utf8').trim();
  return /^(?:\d+:)?([0-9.]*[0-9])/.exec(version)?.[1] ?? version;
}

/** @returns {Promise<Runtime[]>} */
async function unpackRuntimes(wanted, release) {
  say(
    `Getting ${wanted.join(' and ')} of Debian '${release}' (unpacked in .cache/runtimes; nothing is installed)`,
  );
  await installMissing(['patchelf']);
  const archives = await downloadPackages(release, wanted);
  mkdirSync(cache, { recursive: true });
  const unpacked = mkdtempSync(path.join(cache, '.unpacking-'));
  try {
    for (const archive of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
      const file = path.join(archives, archive);
      const [name, version] = capture('dpkg-deb', ['--field', file, 'Package', 'Version'])
        .trim()
        .split('\n')
        .map((line) => line.replace(/^\w+: /, ''));
      writeFileSync(path.join(unpacked, `${name}.version`), version);
      capture('dpkg-deb', ['--extract', file, unpacked]);
    }
    return wanted.map((kind) => placeRuntime(kind, release, unpacked)).filter(Boolean);
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
    rmSync(archives, { recursive: true, force: true });
  }
}

/**
 * Every runtime of every release that this machine can have. On a machine that is not Debian that is what it
 * has itself.
 * @returns {Promise<Runtime[]>}
 */
export async function provideRuntimes() {
  const own = machineRelease();
  if (!releases.includes(own)) {
    say(`This machine is not Debian ${releases.join(', ')}: tests use the runtimes that it has itself`);
    return kinds.map((kind) => installedRuntime(kind, 'this machine')).filter(Boolean);
  }
  const runtimes = [];
  for (const release of releases) {
    if (release === own) {
      runtimes.push(...kinds.map((kind) => installedRuntime(kind, release)).filter(Boolean));
      continue;
    }
    const there = kinds.map((kind) => unpackedRuntime(kind, release)).filter(Boolean);
    const missing = kinds.filter((kind) => !there.some((runtime) => runtime.kind === kind));
    runtimes.push(...there, ...(missing.length > 0 ? await unpackRuntimes(missing, release) : []));
  }
  return runtimes;
}
