// npm run test:package: packs the package and tries the tarball as its users have it (test/package), with everything that
// they may use beside it: Nodes, package managers, bundlers, test runners, TypeScripts, Bun. Those are installed into
// .cache by test/package/tools/package-lock.json.
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { findStaticBusybox } from './lib/apt.mjs';
import { installTools, packagePlace as place, packageTools as tools } from './lib/package-tools.mjs';
import { problemWithPrebuilds } from './lib/prebuilds.mjs';
import { capture, npmCommand, passThrough, repositoryRoot, runMain, Stop, searchPath } from './lib/run.mjs';
import { setUp } from './setup.mjs';

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
