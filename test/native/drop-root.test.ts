import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';

const fixture = path.join(__dirname, 'fixtures', 'drop-root.js');
const hungMs = 20_000;

interface Told {
  credentials: string[];
  threads: number;
}

function dropRoot(call: string, where: string): Promise<Told> {
  return new Promise((resolve, reject) => {
    const child = fork(fixture, [call, where]);
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${call}: hangs`));
    }, hungMs);
    child.once('message', (told) => resolve(told as Told));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code ?? signal}`));
    });
  });
}

const expected: Record<string, RegExp> = {
  setuid: /^Uid: 65534 65534 65534 65534,/,
  seteuid: /^Uid: 0 65534 0 65534,/,
  setgid: /Gid: 65534 65534 65534 65534,/,
  setegid: /Gid: 0 65534 0 65534,/,
  setgroups: /Groups: 65534$/,
  initgroups: /Groups: 65534$/,
};

describe('giving up root', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
  for (const where of ['threads of the main thread', 'a worker', 'a thread at work'])
    for (const [call, credentials] of Object.entries(expected))
      it(`${call} with ${where} gives every thread the same credentials`, async () => {
        const told = await dropRoot(call, where);
        assert.equal(told.credentials.length, 1, told.credentials.join('; '));
        assert.match(told.credentials[0] ?? '', credentials);
        assert.ok(told.threads > 6, `only ${told.threads} threads`);
      });
});
