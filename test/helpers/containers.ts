import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Readable } from 'node:stream';
import {
  Bundle,
  type BundleSpec,
  type Container,
  type CreateOptions,
  DobbyRunC,
  type RuntimeOptions,
} from '../../src/index';
import { runtime } from './environment';
import { leftSince, type Snapshot, snapshot } from './leaks';
import { sharedRootfs } from './rootfs';
import { temporaryDirectory } from './temporary';

/** An id that no other test has: cgroups of one id under two roots collide. */
export function newId(purpose = 'c'): string {
  return `${purpose}-${randomBytes(5).toString('hex')}`;
}

/** A DobbyRunC of this row's runtime with a root of its own. */
export function newDobby(options: RuntimeOptions = {}): DobbyRunC {
  return new DobbyRunC({ runtime, root: path.join(temporaryDirectory('root'), 'state'), ...options });
}

/**
 * Uses everything once that opens something for the rest of this environment's life (the exit watch, the pump
 * thread, the runtime's image), so that what is open afterwards is a leak.
 */
export async function warmUp(dobby: DobbyRunC): Promise<Snapshot> {
  const container = await runShell(dobby, 'echo x', { stdin: 'pipe', stdout: 'pipe', stderr: 'buffer' });
  await container.exited;
  await container.destroy();
  const file = path.join(temporaryDirectory('warm'), 'log');
  const logged = await runShell(dobby, 'echo x', { stdout: { file, maxBytes: 1000 } });
  await logged.exited;
  await logged.destroy();
  await dobby.list();
  return snapshot();
}

/** What is left since, but for the tests' own directories, which go when the process exits. */
export async function leftOver(before: Snapshot): Promise<string[]> {
  return await leftSince(before, { isExpected: (line) => line.startsWith('temporaryFiles: ') });
}

/** A bundle over the shared root file system. */
export function newBundle(args: readonly string[], spec: Partial<BundleSpec> = {}): Promise<Bundle> {
  return Bundle.create(temporaryDirectory('bundle'), { rootfs: sharedRootfs(), args, ...spec });
}

/** A container that runs a shell script. */
export async function runShell(
  dobby: DobbyRunC,
  script: string,
  o: CreateOptions = {},
  spec: Partial<BundleSpec> = {},
): Promise<Container> {
  const bundle = await newBundle(['/bin/sh', '-c', script], spec);
  return dobby.run(newId(), bundle, o);
}

/** All that a stream gives, as text. */
export async function textOf(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as Readable) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Waits until a condition holds; fails after `ms`. */
export async function until(condition: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  for (const end = Date.now() + ms; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`not so within ${ms} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
