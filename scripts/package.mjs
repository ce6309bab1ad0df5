// npm run test:package: packs the package and tries the tarball as its users have it (test/package), with everything that
// they may use beside it: Nodes, package managers, bundlers, test runners, TypeScripts, Bun. Those are installed into
// .cache by test/package/tools/package-lock.json.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { findStaticBusybox } from './lib/apt.mjs';
import { problemWithPrebuilds } from './lib/prebuilds.mjs';
import {
  capture,
  captureWithRetries,
  npmCommand,
  passThrough,
  repositoryRoot,
  runMain,
  Stop,
  say,
  searchPath,
} from './lib/run.mjs';
import { setUp } from './setup.mjs';

const place = path.join(repositoryRoot, '.cache/package');
const tools = path.join(place, 'tools');
const toolFiles = ['package.json', 'package-lock.json'];

async function installTools() {
  const wanted = path.join(repositoryRoot, 'test/package/tools');
  const isSame = toolFiles.every((name) => {
    try {
      return readFileSync(path.join(tools, name), 'utf8') === readFileSync(path.join(wanted, name), 'utf8');
    } catch {
      return false;
    }
  });
  if (isSame) return;
  say('npm ci: what the package is tried with (test/package/tools)');
  mkdirSync(tools, { recursive: true });
  for (const name of toolFiles) rmSync(path.join(tools, name), { force: true });
  copyFileSync(path.join(wanted, 'package-lock.json'), path.join(tools, 'package-lock.json'));
  copyFileSync(path.join(wanted, 'package.json'), path.join(tools, 'package.json'));
  const [npm, first] = npmCommand();
  try {
    await captureWithRetries(npm, [
      ...first,
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      tools,
    ]);
  } catch (error) {
    rmSync(path.join(tools, 'package.json'), { force: true });
    throw error;
  }
}

function pack() {
  const [npm, first] = npmCommand();
  for (const name of readdirSync(place)) if (name.endsWith('.tgz')) rmSync(path.join(place, name));
  capture(npm, [...first, 'pack', '--pack-destination', place]);
  const [name] = readdirSync(place).filter((entry) => entry.endsWith('.tgz'));
  return path.join(place, name);
}

runMain(async () => {
  await setUp('test', { extra: ['skopeo', 'umoci', 'crossArm'] });
  const problem = problemWithPrebuilds();
  if (problem !== undefined) throw new Stop(`${problem}: npm run prebuilds`);
  await installTools();
  const tarball = pack();
  const names = process.argv.slice(2);
  const tests = readdirSync(path.join(repositoryRoot, 'test/package'))
    .filter(
      (name) =>
        name.endsWith('.test.mjs') && (names.length === 0 || names.some((each) => name.startsWith(each))),
    )
    .map((name) => path.join('test/package', name));
  return passThrough(process.execPath, ['--test', '--test-concurrency=2', '--test-reporter=spec', ...tests], {
    env: {
      ...process.env,
      PATH: searchPath,
      DOBBY_PACKAGE_TARBALL: tarball,
      DOBBY_PACKAGE_TOOLS: tools,
      DOBBY_BUSYBOX: findStaticBusybox(),
    },
  });
});
