import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BundleOptions, writeBundle } from './bundle';
import type { Runtimes, Workspace } from './question';

export function openWorkspace(): Workspace {
  const state = process.getuid?.() === 0 ? '/run' : (process.env.XDG_RUNTIME_DIR ?? os.tmpdir());
  return {
    files: fs.mkdtempSync(path.join(os.tmpdir(), 'dobby-bench-')),
    state: fs.mkdtempSync(path.join(state, 'dobby-bench-')),
  };
}

/** The runtime's --root of one contestant; short, because a console socket's path is (107 bytes). */
export function runtimeRoot(workspace: Workspace, runtime: string, contestant: string): string {
  const directory = path.join(workspace.state, `${path.basename(runtime)}-${contestant}`);
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** The same options give the same bundle, written once. */
export function bundleFor(workspace: Workspace, options: BundleOptions): string {
  const name = createHash('sha1').update(JSON.stringify(options)).digest('hex').slice(0, 12);
  const directory = path.join(workspace.files, name);
  return fs.existsSync(path.join(directory, 'config.json')) ? directory : writeBundle(directory, options);
}

/** Removes everything, containers that a failed contestant left behind first; returns how many those were. */
export function closeWorkspace(workspace: Workspace, runtimes: Runtimes): number {
  let left = 0;
  for (const directory of fs.readdirSync(workspace.state)) {
    const runtime = runtimes[directory.split('-')[0] as 'crun' | 'runc'];
    const root = path.join(workspace.state, directory);
    if (runtime === undefined || !fs.statSync(root).isDirectory()) continue;
    for (const entry of fs.readdirSync(root, { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
      if (deleteByForce(runtime, root, entry.name)) left++;
    }
  }
  fs.rmSync(workspace.state, { recursive: true, force: true });
  fs.rmSync(workspace.files, { recursive: true, force: true });
  return left;
}

function deleteByForce(runtime: string, root: string, id: string): boolean {
  try {
    execFileSync(runtime, ['--root', root, 'delete', '--force', id], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
