// Bringing node_modules, the native addon and dist up to date, each only when it is not.
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import path from 'node:path';
import { capture, captureWithRetries, npmCommand, repositoryRoot, Stop, say } from './run.mjs';

const inRepository = (...parts) => path.join(repositoryRoot, ...parts);

/** True when node_modules holds the very versions that package-lock.json names. */
function areModulesInstalled() {
  try {
    const wanted = JSON.parse(readFileSync(inRepository('package-lock.json'), 'utf8')).packages;
    const installed = JSON.parse(
      readFileSync(inRepository('node_modules/.package-lock.json'), 'utf8'),
    ).packages;
    return Object.entries(wanted).every(
      ([where, { version, optional }]) =>
        where === '' || optional === true || installed[where]?.version === version,
    );
  } catch {
    return false;
  }
}

export async function installModules() {
  if (areModulesInstalled()) return;
  say('npm ci: the packages that build and test this one');
  const [npm, first] = npmCommand();
  await captureWithRetries(npm, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund']);
}

function newestMs(file) {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(file).map((name) => newestMs(path.join(file, name))));
}

const addon = inRepository('build/Release/dobby_runc.node');

function isAddonUpToDate() {
  const sources = readdirSync(inRepository('native'))
    .filter((name) => name !== 'test')
    .map((name) => path.join('native', name));
  return (
    newestMs(addon) > Math.max(...[...sources, 'binding.gyp'].map((name) => newestMs(inRepository(name))))
  );
}

function buildNative() {
  if (isAddonUpToDate()) return;
  say('Building the native addon (native/, by node-gyp)');
  const [npm, first] = npmCommand();
  capture(npm, [...first, 'run', 'build:native', '--', 'configure', 'build']);
  // make leaves the file as it is when only a comment changed, say.
  utimesSync(addon, new Date(), new Date());
}

/** What a source file that is gone left in dist would still be found as a test. */
function pruneOutput(directory = 'dist') {
  for (const entry of readdirSync(inRepository(directory), { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) pruneOutput(file);
    else if (
      !existsSync(inRepository(path.relative('dist', file).replace(/(\.d\.ts|\.js(\.map)?)$/, '.ts')))
    ) {
      rmSync(inRepository(file));
    }
  }
}

/** Whether this user can build here at all: not in a checkout that root has built. */
function canWrite() {
  return ['.', 'dist', 'build', 'node_modules'].every((name) => {
    try {
      accessSync(inRepository(name), constants.W_OK);
      return true;
    } catch (error) {
      return error.code === 'ENOENT';
    }
  });
}

/** node_modules, the addon and dist, as far as they are not up to date. */
export async function buildAll() {
  if (canWrite()) {
    await installModules();
    buildNative();
    buildTypeScript();
    await (await import('./bundle.mjs')).bundlePackage();
    return;
  }
  const sourcesMs = Math.max(
    ...['src', 'test', 'bench', 'scripts'].map((name) => newestMs(inRepository(name))),
  );
  if (!areModulesInstalled() || !isAddonUpToDate() || newestMs(inRepository('dist')) < sourcesMs) {
    throw new Stop(
      `Something has to be built, and this user cannot write to ${repositoryRoot}: use a checkout of your own`,
    );
  }
  say(`This user cannot write to ${repositoryRoot}: what is built there is up to date and is used`);
}

function buildTypeScript() {
  say('Building the TypeScript (tsc)');
  capture(process.execPath, [inRepository('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json']);
  pruneOutput();
}
