// npm test: installs what is missing, builds, and runs every test.
//
// A test file that imports test/helpers/environment, or a helper that does, or mentions DOBBY_TEST_, needs a
// runtime: it runs once per row of the matrix (a runtime and a cgroup version, lib/test-rows.mjs). Every other
// file runs once ('once').
// Each run has cgroups and a temporary directory of its own, and fails if anything is left on the machine.
// With CI=true nothing may be missing: no row, and no test skipped.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findStaticBusybox } from './lib/apt.mjs';
import { isRoot, passThrough, repositoryRoot, runMain, Stop, say, searchPath } from './lib/run.mjs';
import { cgroupEnv, findRows, machineCgroups, partDirectories } from './lib/test-rows.mjs';
import { setUp } from './setup.mjs';

const usage = `usage: npm test [-- [--row NAME]... [--all-rows] [--once] [--make] [--grep PATTERN] [--file-timeout SECONDS] [PATH...]]
  --row       only this row, such as crun-1.8.1-v1 (and only the files that need a runtime)
  --once      only the files that need no runtime
  --all-rows  every runtime with every cgroup version that this machine can have
  --make      write down what the row's runtime says (test/command-line/failure-table.json) instead of comparing it
  --grep      only tests whose name matches
  PATH        only test files below these, such as test/direct or test/bundle/spec.test.ts`;

const isCi = process.env.CI === 'true';
const totalTimeoutMs = 30 * 60 * 1000;

function parseOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        row: { type: 'string', multiple: true, default: [] },
        once: { type: 'boolean', default: false },
        make: { type: 'boolean', default: false },
        'all-rows': { type: 'boolean', default: false },
        grep: { type: 'string' },
        'file-timeout': { type: 'string', default: '600' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      say(usage);
      process.exit(0);
    }
    return { ...values, paths: positionals };
  } catch (error) {
    throw new Stop(`${error.message}\n${usage}`);
  }
}

/** The test files, by whether they need a runtime. */
function findTests(paths) {
  const sources = readdirSync(path.join(repositoryRoot, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.join('test', name))
    .filter(
      (name) =>
        paths.length === 0 ||
        paths.some((wanted) => `${name}/`.startsWith(`${path.normalize(wanted)}/`.replace('//', '/'))),
    )
    .sort();
  const source = (name) => readFileSync(path.join(repositoryRoot, name), 'utf8');
  const helpers = readdirSync(path.join(repositoryRoot, 'test/helpers'))
    .map((name) => path.parse(name).name)
    .filter(
      (name) => name === 'environment' || source(`test/helpers/${name}.ts`).includes("'./environment'"),
    );
  const mark = new RegExp(`helpers/(${helpers.join('|')})'|DOBBY_TEST_`);
  const needsRuntime = (name) => mark.test(source(name));
  const built = (name) => path.join(repositoryRoot, 'dist', name.replace(/\.ts$/, '.js'));
  return {
    perRow: sources.filter(needsRuntime).map(built),
    once: sources.filter((name) => !needsRuntime(name)).map(built),
  };
}

function isInPart(file) {
  return partDirectories.some((directory) =>
    file.startsWith(path.join(repositoryRoot, 'dist', directory, '/')),
  );
}

// Runtimes keep containers' state in /run by default: a fresh one per run, so that what one run leaves there
// is not in the way of the next.
const ownRun = [
  'unshare',
  '--mount',
  '--propagation',
  'private',
  'sh',
  '-c',
  'mount -t tmpfs run /run && exec "$@"',
  'sh',
];

/** Runs test files in one environment. Returns what came of it. */
async function runTests(run, options) {
  say(`\n=== ${run.name}: ${run.files.length} test files`);
  const startMs = Date.now();
  // Short, since sockets are made below it and their paths may have 107 bytes.
  const temporary = mkdtempSync(path.join(tmpdir(), 'dobby-'));
  // A container in a user namespace has to get at its root file system here.
  chmodSync(temporary, 0o755);
  const own = mkdtempSync(path.join(tmpdir(), 'dobby-run-'));
  process.once('exit', () => {
    for (const directory of [temporary, own]) rmSync(directory, { recursive: true, force: true });
  });
  const resultFile = path.join(own, 'result.json');
  const command = [process.execPath, path.join(repositoryRoot, 'scripts/lib/test-run.mjs')];
  const [program, ...args] = run.cgroup
    ? [cgroupEnv, '--own-tree', run.cgroup, ...ownRun, ...command]
    : command;
  const code = await passThrough(program, args, {
    env: {
      ...process.env,
      ...run.env,
      ...(options.make ? { DOBBY_TEST_MAKE: '1' } : {}),
      PATH: searchPath,
      TMPDIR: temporary,
      DOBBY_OWN_TMPDIR: '1',
      DOBBY_BUSYBOX: findStaticBusybox(),
      DOBBY_TEST_RUN: JSON.stringify({
        files: run.files,
        grep: options.grep,
        fileTimeoutMs: Number(options['file-timeout']) * 1000,
        totalTimeoutMs,
        resultFile,
      }),
    },
  });
  const outcome = { counts: {}, skipped: [], problems: [], left: [] };
  if (existsSync(resultFile)) Object.assign(outcome, JSON.parse(readFileSync(resultFile, 'utf8')));
  else outcome.problems.push('ended without a result');

  const { counts, skipped, problems, left } = outcome;
  if (left.length > 0) problems.push(`left on the machine:\n    ${left.join('\n    ')}`);
  if (code === 75) problems.push('left cgroups or processes (listed above)');
  else if (code !== 0 && problems.length === 0) problems.push(`exited with ${code}`);
  if (isCi && skipped.length > 0 && options.grep === undefined) {
    problems.push(`skipped, which CI does not allow:\n    ${skipped.join('\n    ')}`);
  }
  if ((counts.tests ?? 0) === 0) problems.push('no test was run');
  return {
    name: run.name,
    passed: counts.pass ?? 0,
    // What is wrong with a run as a whole counts as one failure, so that the total never says 0 then.
    failed: Math.max((counts.fail ?? 0) + (counts.cancelled ?? 0), problems.length > 0 ? 1 : 0),
    skipped: skipped.length,
    problems,
    seconds: Math.round((Date.now() - startMs) / 1000),
  };
}

function rowEnvironment({ file, kind, version, cgroup, name }) {
  return {
    DOBBY_TEST_ROW: name,
    DOBBY_TEST_RUNTIME: file,
    DOBBY_TEST_RUNTIME_KIND: kind,
    DOBBY_TEST_RUNTIME_VERSION: version,
    DOBBY_TEST_CGROUP: cgroup,
  };
}

async function chooseRows(options) {
  if (!isRoot) {
    const sentence =
      'Not root: making containers needs root, so the tests of the runtime matrix do not run; the others do. ' +
      'To run all: sudo npm test';
    if (isCi) throw new Stop(sentence);
    say(sentence);
    return [];
  }
  const { rows, lacking, runtimes } = await findRows();
  // For tests of a change from one version to another.
  process.env.DOBBY_TEST_RUNTIMES = JSON.stringify(runtimes);
  for (const row of lacking) say(`Not tested here: ${row}`);
  if (isCi && lacking.length > 0) throw new Stop('CI has to test every row of the matrix');
  if (options.row.length === 0) return rows.filter((row) => row.isUsual || options['all-rows']);
  return options.row.map((name) => {
    const row = rows.find((candidate) => candidate.name === name);
    if (row === undefined)
      throw new Stop(`No row '${name}' here; there are: ${rows.map((each) => each.name).join(', ')}`);
    return row;
  });
}

function conclude(results) {
  say('');
  for (const { name, passed, failed, skipped, seconds, problems } of results) {
    say(`${name.padEnd(18)} ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds} s`);
    for (const problem of problems) say(`  ${problem}`);
  }
  const total = (what) => results.reduce((sum, result) => sum + result[what], 0);
  const skipped = total('skipped') > 0 ? `, ${total('skipped')} skipped` : '';
  const line = `${total('passed')} passed, ${total('failed')} failed${skipped}`;
  try {
    // For .ci/run, which says it again as its last line.
    mkdirSync(path.join(repositoryRoot, '.cache'), { recursive: true });
    writeFileSync(path.join(repositoryRoot, '.cache/test-total'), `${line}\n`);
  } catch {
    // A checkout of someone else's.
  }
  say(line);
  return total('failed') > 0 || results.length === 0 ? 1 : 0;
}

runMain(async () => {
  const options = parseOptions();
  await setUp(isRoot ? 'test' : 'build');
  const { perRow, once } = findTests(options.paths);
  const runs = [];
  if (once.length > 0 && options.row.length === 0) {
    const hasCgroups = isRoot && machineCgroups() !== 'none';
    runs.push({ name: 'once', files: once, cgroup: hasCgroups ? 'auto' : undefined, env: {} });
  }
  if (perRow.length > 0 && !options.once) {
    for (const row of await chooseRows(options)) {
      // Asked for by name, or with paths, a row runs all that was asked for.
      const isWhole =
        !row.isPart || options.row.length > 0 || options['all-rows'] || options.paths.length > 0;
      const files = isWhole ? perRow : perRow.filter(isInPart);
      if (files.length > 0)
        runs.push({ name: row.name, files, cgroup: row.cgroup, env: rowEnvironment(row) });
    }
  }
  if (runs.length === 0) throw new Stop('There is no test to run');
  const results = [];
  for (const run of runs) results.push(await runTests(run, options));
  return conclude(results);
});
