// npm run fuzz: the parsers of what others write, on what a fuzzer makes up. native/fuzz with libFuzzer, from the
// corpus kept beside it; test/fuzz with fast-check. docs/fuzzing.md says what to do with a find.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installMissing } from './lib/apt.mjs';
import { findFuzzingClang } from './lib/clang.mjs';
import { capture, passThrough, repositoryRoot, runMain, Stop, say } from './lib/run.mjs';
import { setUp } from './setup.mjs';

const usage = `usage: npm run fuzz [-- [--seconds N] [--only NAME]... [--native] [--keep]]
  --seconds  how long each target is run (30)
  --only     only the targets whose name contains this, such as fd_socket or output
  --native   only native/fuzz
  --keep     add to the corpus what reaches code that nothing in it reaches`;

const build = path.join(repositoryRoot, 'build-cmake/fuzz');
const corpora = path.join(repositoryRoot, 'native/fuzz/corpus');
const suffix = '_fuzz.cc';

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: '30' },
        only: { type: 'string', multiple: true, default: [''] },
        native: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    });
    if (!(Number(values.seconds) > 0)) throw new Error('--seconds: must be a number above 0');
    return values;
  } catch (error) {
    throw new Stop(`${error.message}\n${usage}`);
  }
}

function buildTargets() {
  say('Building the fuzz targets (native/fuzz, by clang)');
  const compiler = `-DCMAKE_CXX_COMPILER=${findFuzzingClang()}`;
  capture('cmake', [
    '-S',
    '.',
    '-B',
    build,
    '-DDOBBY_FUZZ=ON',
    '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
    compiler,
  ]);
  capture('cmake', ['--build', build, '--parallel', '2']);
}

/** Runs one target; what it finds new stays in the build directory. */
async function fuzz(target, seconds, keep) {
  const program = path.join(build, target);
  const found = path.join(build, 'found', target);
  const kept = path.join(corpora, target);
  rmSync(found, { recursive: true, force: true });
  for (const directory of [found, kept]) mkdirSync(directory, { recursive: true });
  say(`\n=== ${target}: ${seconds} s`);
  const options = [`-max_total_time=${seconds}`, '-max_len=2048', '-timeout=10', '-rss_limit_mb=1024'];
  const reports = ['-verbosity=0', '-print_final_stats=1', `-artifact_prefix=${build}/${target}-`];
  const code = await passThrough(program, [...options, ...reports, found, kept]);
  if (code !== 0) {
    say(
      `${target} has found something. To see it again: ${program} ${build}/${target}-<the file named above>`,
    );
  } else if (keep) {
    // Without counters: one file per new place in the code, not one per number of times that it is reached.
    capture(program, ['-merge=1', '-use_counters=0', '-max_len=2048', kept, found]);
  }
  return code === 0;
}

function namesIn(directory, end) {
  return readdirSync(path.join(repositoryRoot, directory))
    .filter((name) => name.endsWith(end))
    .sort();
}

runMain(async () => {
  const options = parseOptions();
  const isWanted = (name) => options.only.some((part) => name.includes(part));
  const targets = namesIn('native/fuzz', suffix)
    .filter(isWanted)
    .map((name) => name.slice(0, -'.cc'.length));
  const tests = options.native ? [] : namesIn('test/fuzz', '.test.ts').filter(isWanted);
  if (targets.length + tests.length === 0) throw new Stop(`No target has such a name\n${usage}`);
  const failed = [];
  if (targets.length > 0) {
    await installMissing(['compiler', 'make', 'cmake', 'clang', 'fuzzer']);
    buildTargets();
    for (const target of targets) {
      if (!(await fuzz(target, options.seconds, options.keep))) failed.push(target);
    }
  }
  if (tests.length > 0) {
    await setUp('build');
    for (const test of tests) {
      const file = path.join(repositoryRoot, 'dist/test/fuzz', test.replace(/\.ts$/, '.js'));
      const env = { ...process.env, DOBBY_FUZZ_SECONDS: options.seconds };
      if ((await passThrough(process.execPath, ['--test', file], { env })) !== 0) failed.push(test);
    }
  }
  say(failed.length === 0 ? '\nNothing found' : `\nFound something: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
});
