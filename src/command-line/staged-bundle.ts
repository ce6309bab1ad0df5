import fs from 'node:fs';
import path from 'node:path';
import { toJson } from '../bundle/json';
import type { OciConfig } from '../oci';
import { makePrivateDirectory } from '../system/private-directory';
import { runDirectory } from '../system/run-directory';

/**
 * runc has no --config: a bundle directory of our own holds the other config.json, with its relative paths made
 * absolute, for as long as the container is there (its hooks are told of it).
 */
export function stageBundle(id: string, root: string, bundlePath: string, config: OciConfig): string {
  const directory = stagedBundlePath(id, root);
  makePrivateDirectory(path.dirname(directory));
  fs.rmSync(directory, { recursive: true, force: true });
  fs.mkdirSync(directory, { mode: 0o700 });
  const absolute = {
    ...config,
    root: { ...config.root, path: path.resolve(bundlePath, config.root?.path ?? 'rootfs') },
  };
  fs.writeFileSync(path.join(directory, 'config.json'), toJson(absolute), { mode: 0o600 });
  return directory;
}

export function removeStagedBundle(id: string, root: string): void {
  const directory = stagedBundlePath(id, root);
  if (fs.existsSync(directory)) fs.rmSync(directory, { recursive: true, force: true });
}

const staleMs = 60_000;

/** Removes those whose container is gone, which a process that was killed while it destroyed it has left. */
export function removeStaleStagedBundles(root: string): void {
  const prefix = rootPrefix(root);
  let names: string[] = [];
  try {
    names = fs.readdirSync(path.join(runDirectory(), bundles));
  } catch {
    // None has ever been made.
  }
  for (const name of names) {
    const id = name.slice(prefix.length);
    if (!name.startsWith(prefix) || fs.existsSync(path.join(root, id))) continue;
    const madeMs = fs.statSync(stagedBundlePath(id, root), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    // A create that has just begun has staged its bundle and no container yet.
    if (Date.now() - madeMs > staleMs) removeStagedBundle(id, root);
  }
}

const bundles = 'bundles';

function stagedBundlePath(id: string, root: string): string {
  return path.join(runDirectory(), bundles, `${rootPrefix(root)}${id}`);
}

/** Two roots may have the same id. */
function rootPrefix(root: string): string {
  return `${Buffer.from(root).toString('hex').slice(-64)}.`;
}
