import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { before, describe, test } from 'node:test';
import { needsRuntime } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';
import type { Told } from './injected-worker';
import { Injection } from './injection';
import { compile } from './stand-in';
import { systemFaults } from './system-faults';

const boundMs = 15_000;

describe('system calls of this package that fail, each at every place it is made', {
  skip: needsRuntime(),
}, () => {
  const all: Told[] = [];
  before(async () => {
    const worker = startInjected('injected-worker.js');
    for await (const line of createInterface(worker.stdout)) all.push(JSON.parse(line) as Told);
    const last = all.at(-1);
    const where = last
      ? `after ${systemFaults[last.fault]?.name}, ${last.step}, call ${last.skip}`
      : 'at its start';
    if (worker.exitCode === null) await new Promise((resolve) => worker.once('exit', resolve));
    assert.equal(
      worker.exitCode,
      0,
      `the process ended with ${worker.exitCode ?? worker.signalCode} ${where}`,
    );
  });

  for (const [index, fault] of systemFaults.entries())
    for (const step of fault.steps)
      test(`${step}: ${fault.name} (${fault.errno}): succeeds, or rejects with ${fault.codes.join(' or ')}`, (t) => {
        const tries = all.filter((told) => told.fault === index && told.step === step);
        assert.ok(tries.length > 0, 'nothing failed: the fault was not made');
        t.diagnostic(`${tries.length} places, ${tries.filter(({ code }) => code !== null).length} rejected`);
        const bad = tries.filter(
          ({ code, left, durationMs }) =>
            left.length > 0 || durationMs > boundMs || (code !== null && !fault.codes.includes(code)),
        );
        assert.deepEqual(
          bad.map(({ skip, code, message, left }) => ({ skip, code, message, left })),
          [],
        );
      });
});

describe('the wall clock', { skip: needsRuntime() }, () => {
  test('jumps by ten years, back and forth: time limits, stop and exits are as ever', async () => {
    const worker = startInjected('clock-worker.js');
    const code = await new Promise((resolve) => worker.once('exit', resolve));
    assert.equal(code, 0);
  });
});

/** A process of its own with native/fault/inject.c preloaded. */
function startInjected(script: string): ChildProcessByStdio<null, Readable, null> {
  const control = path.join(temporaryDirectory('inject'), 'control');
  Injection.makeFile(control);
  return spawn(process.execPath, [path.join(__dirname, script)], {
    env: { ...process.env, LD_PRELOAD: compile('inject.c', ['-fPIC', '-shared']), DOBBY_INJECT: control },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
