// One run of node's test runner, started by scripts/test.mjs inside the cgroups that the run needs, with a
// look before and after at what it left on the machine. Configured by the JSON in DOBBY_TEST_RUN.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const { files, grep, fileTimeoutMs, totalTimeoutMs, resultFile } = JSON.parse(process.env.DOBBY_TEST_RUN);
delete process.env.DOBBY_TEST_RUN;

const here = path.dirname(fileURLToPath(import.meta.url));
const { snapshot, leftSince } = createRequire(import.meta.url)(
  path.join(here, '../../dist/test/helpers/leaks.js'),
);

const reportFile = `${resultFile}.report`;

function runTests() {
  const child = spawn(
    // Another Node, or one of another architecture in an emulator (scripts/emulated.mjs).
    process.env.DOBBY_NODE ?? process.execPath,
    [
      '--test',
      // Tests count descriptors, children and cgroups, and measure; side by side they would see each other's.
      '--test-concurrency=1',
      `--test-timeout=${fileTimeoutMs}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${path.join(here, 'test-reporter.mjs')}`,
      `--test-reporter-destination=${reportFile}`,
      ...(grep === undefined ? [] : [`--test-name-pattern=${grep}`]),
      ...files,
    ],
    { stdio: 'inherit' },
  );
  const problems = [];
  const timer = setTimeout(() => {
    problems.push(`ended after ${totalTimeoutMs / 1000} s, the most that a run may take`);
    child.kill('SIGKILL');
  }, totalTimeoutMs);
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0) problems.push(`node --test ended with ${signal ?? code}`);
      resolve(problems);
    });
  });
}

function readReport() {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    return { counts: {}, skipped: [] };
  } finally {
    rmSync(reportFile, { force: true });
  }
}

const before = snapshot();
const problems = await runTests();
const { counts, skipped } = readReport();
const left = await leftSince(before, { waitMs: 3000 });
writeFileSync(resultFile, JSON.stringify({ counts, skipped, problems, left }));
process.exitCode = problems.length + left.length > 0 ? 1 : 0;
