import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownerIsAlive } from '../../src/command-line/call-directory';
import { temporaryDirectory } from '../helpers/temporary';

/** For a process that is killed: what it makes in its temporary directory is removed by this one. */
export function mortalEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, TMPDIR: temporaryDirectory('mortal') };
}

/** Runs a script of this directory and kills it `ms` after it has printed something. */
export async function killAfter(ms: number, script: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [path.join(__dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: mortalEnvironment(),
  });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  await delay(ms);
  child.kill('SIGKILL');
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', 'it ended by itself');
}

/** Runs a script of this directory to its end; what it printed as JSON. */
export async function reportOf<T>(script: string, args: readonly string[]): Promise<T> {
  const child = spawn(process.execPath, [path.join(__dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return JSON.parse(text) as T;
}

/** What is in a directory; nothing when it does not exist. */
export function existing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The call directories of processes that are gone. */
export function abandonedCalls(): string[] {
  return existing('/run/dobby-runc').filter((name) => name.startsWith('call-') && !ownerIsAlive(name));
}
