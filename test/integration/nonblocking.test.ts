import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newBundle, newId, runShell, textOf } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

const fixture = path.join(__dirname, 'fixtures/uses-own-streams.js');
const lines = 20_001;
const prints = ['/bin/sh', '-c', `seq 1 ${lines - 1}; echo end`];

interface Told {
  code: number;
  errors: string[];
  areNonblocking: boolean[];
}

describe('non-blocking standard streams of ours', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  async function data(args: readonly string[], options: object, exec?: readonly string[]): Promise<string> {
    const bundle = await newBundle(args);
    const where = { runtime, root: dobby.getWorkingDir(), id: newId(), bundle: bundle.path };
    return JSON.stringify({ ...where, options, ...(exec ? { exec } : {}) });
  }

  const told = (stderr: string): Told => JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Told;

  /** `node app.js | slow reader`, in a shell: Node's streams are pipes. */
  async function throughShell(json: string, before = ''): Promise<{ stdout: string; told: Told }> {
    const errors = path.join(fs.mkdtempSync('/tmp/dobby-nonblocking-'), 'errors');
    const script = `${before} "$0" "$1" "$2" 2> "$3" | (sleep 0.5; head -c 1000; sleep 0.3; cat)`;
    const stdout = execFileSync('/bin/sh', ['-c', script, process.execPath, fixture, json, errors], {
      encoding: 'utf8',
    });
    const stderr = fs.readFileSync(errors, 'utf8');
    fs.rmSync(path.dirname(errors), { recursive: true });
    return { stdout, told: told(stderr) };
  }

  for (const target of ['inherit', 1] as const)
    for (const how of ['create', 'exec'] as const)
      test(`stdout: ${JSON.stringify(target)} of ${how} is a pipe with a slow reader: every line arrives`, async () => {
        const json = await (how === 'create'
          ? data(prints, { stdout: target })
          : data(['/bin/sleep', '100'], { stdout: target }, prints));
        const { stdout, told: end } = await throughShell(json);
        assert.equal(stdout.trim().split('\n').length, lines);
        assert.equal(end.code, 0);
        assert.deepEqual(end.areNonblocking[1], true, 'the own stream stays as it was');
      });

  test('stdin: 0 is a pipe with a slow writer: every line arrives, and the end', async () => {
    const json = await data(['/bin/sh', '-c', 'cat; echo end'], { stdin: 0, stdout: 1 });
    const { stdout, told: end } = await throughShell(
      json,
      '(sleep 0.5; seq 1 10000; sleep 0.3; seq 1 10000) |',
    );
    assert.equal(stdout.trim().split('\n').length, lines);
    assert.equal(end.code, 0);
    assert.deepEqual(end.areNonblocking, [true, true]);
  });

  test('sockets, as a parent of Node makes them, are relayed: every line in both directions, in order', async () => {
    const script = `cat; for i in $(seq 1 2000); do echo out$i; echo err$i >&2; done; seq 1 ${lines}`;
    const json = await data(['/bin/sh', '-c', script], { stdin: 0, stdout: 1, stderr: 1 });
    const child = spawn(process.execPath, [fixture, json], { stdio: ['pipe', 'pipe', 'pipe'] });
    // Whose child exits before anybody has listened, Node throws away its output (child_process, flushStdio).
    child.stdout.on('readable', () => {});
    const stderr = textOf(child.stderr);
    const input = `${Array.from({ length: 5000 }, (_, index) => `in${index}`).join('\n')}\n`;
    await delay(300);
    child.stdin.end(input);
    await delay(500);
    const text = await textOf(child.stdout);
    const mixed = Array.from({ length: 2000 }, (_, index) => `out${index + 1}\nerr${index + 1}\n`).join('');
    assert.ok(text.startsWith(input + mixed));
    assert.equal(text.trim().split('\n').length, 5000 + 4000 + lines);
    assert.deepEqual(told(await stderr), { code: 0, errors: [], areNonblocking: [true, true] });
  });

  test('a socket whose reader has gone ends the program as it would by itself, and that is told', async () => {
    const json = await data(['/bin/sh', '-c', 'trap "" PIPE; seq 1 200000; exit 3'], { stdout: 1 });
    const child = spawn(process.execPath, [fixture, json], { stdio: ['ignore', 'pipe', 'pipe'] });
    const stderr = textOf(child.stderr);
    child.stdout.once('data', () => child.stdout.destroy());
    const end = told(await stderr);
    assert.equal(end.code, 3);
    assert.deepEqual(end.errors, ['EPIPE']);
  });

  test('a non-blocking pipe in files blocks in the container, and stays non-blocking here', async () => {
    const fifo = path.join(fs.mkdtempSync('/tmp/dobby-nonblocking-'), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const fd = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const container = await runShell(dobby, `seq 1 ${lines} >&3`, { files: [fd] });
    await delay(200);
    let bytes = 0;
    const buffer = Buffer.alloc(1 << 16);
    const expected = Array.from({ length: lines }, (_, index) => `${index + 1}\n`).join('').length;
    while (bytes < expected) {
      try {
        bytes += fs.readSync(fd, buffer);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'EAGAIN');
        await delay(5);
      }
    }
    assert.equal((await container.exited).code, 0);
    assert.equal(bytes, expected);
    fs.closeSync(fd);
    fs.rmSync(path.dirname(fifo), { recursive: true });
    await container.destroy();
  });
});
