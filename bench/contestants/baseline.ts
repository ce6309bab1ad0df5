import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { binaries } from '../paths';
import type { Samples } from '../question';

export function isBaseline(contestant: string): boolean {
  return contestant.startsWith('c-');
}

/** 'path' or 'memfd': how this baseline starts the runtime. */
export function imageOf(contestant: string): string {
  return contestant.slice('c-'.length);
}

/** Runs the C program and reads its figures: lines of a name and a number. Fails when it does. */
export async function runBaseline(
  command: string,
  options: Readonly<Record<string, string | number>>,
  rest: readonly string[] = [],
): Promise<Samples> {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const output = await runToEnd([command, ...flags, ...(rest.length > 0 ? ['--', ...rest] : [])]);
  const samples: Samples = {};
  for (const line of output.trim().split('\n')) {
    const [name, value] = line.split(' ') as [string, string];
    samples[name] ??= [];
    samples[name].push(Number(value));
  }
  return samples;
}

async function runToEnd(args: readonly string[]): Promise<string> {
  // Its errors go to ours: a container that it leaves running would hold a pipe for them open.
  const child = spawn(binaries.baseline, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
  });
  const [output, exit] = await Promise.all([text(child.stdout), exited]);
  if (exit !== '0') throw new Error(`baseline ${args.join(' ')} ended with ${exit}; its message is above`);
  return output;
}
