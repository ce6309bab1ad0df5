import fs from 'node:fs';
import path from 'node:path';
import { RuntimeError } from '../errors';
import { keeperName } from '../keeper/keeper';
import type { OciConfig } from '../oci';
import { endTree } from '../process/tree';
import type { Settings } from '../runtime/options';
import { readStateFile, stateFile } from '../runtime/state-file';
import { Claim } from './claim';
import { removeFailedContainer } from './failed-container';
import type { Invoker } from './invoker';
import { removeStagedBundle } from './staged-bundle';

// A container is half-made while its directory below the root has no state file: both runtimes write that last (runc
// once more at the end). Neither lists it. A runtime is at work on it, or has died; then somebody has to remove it. So
// it is with what a killed `crun delete` has left of a container: without its copy of the configuration crun refuses
// every verb, also delete --force.

function neededFiles(settings: Settings, id: string): string[] {
  const configFile = path.join(settings.root, id, 'config.json');
  // Of another runtime nobody knows what it needs.
  if (settings.kind === 'other') return [];
  return settings.kind === 'crun' ? [stateFile(settings, id), configFile] : [stateFile(settings, id)];
}

export function isHalfMade(settings: Settings, id: string): boolean {
  const directory = path.join(settings.root, id);
  return (
    fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true &&
    !neededFiles(settings, id).every((file) => fs.existsSync(file))
  );
}

/** The ids of half-made containers below the root that no runtime is at work on. */
export function leftoverIds(settings: Settings): string[] {
  let names: string[] = [];
  try {
    names = fs.readdirSync(settings.root);
  } catch {
    // No root, no container.
  }
  // crun keeps a directory of its own there (.empty-directory, 1.28), and lists no container with such a name.
  const isHidden = (name: string): boolean => settings.kind === 'crun' && name.startsWith('.');
  const ids = names.filter((name) => !isHidden(name) && isHalfMade(settings, name));
  return ids.length === 0 ? ids : ids.filter((id) => findMakers(settings, id).length === 0);
}

/** The runtime processes that are making a container, by their command lines; a half-made init has the same one. */
export function findMakers({ root }: Settings, id: string): number[] {
  const makers: number[] = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const argv = commandLine(name);
    // A keeper's names the runtime's, and stays as long as the container does.
    if (argv[0] === keeperName) continue;
    if (argv.at(-1) !== id || !argv.includes('create')) continue;
    if (argv[argv.indexOf('--root') + 1] === root) makers.push(Number(name));
  }
  return makers;
}

function commandLine(pid: number | string): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/**
 * Removes a half-made container with all that belongs to it. One that a runtime is still making is only removed with
 * force: the runtime is ended first.
 */
export async function removeHalfMade(
  invoker: Invoker,
  settings: Settings,
  id: string,
  force: boolean,
): Promise<void> {
  const makers = findMakers(settings, id);
  if (makers.length > 0 && !force)
    throw new RuntimeError(
      'ERR_BAD_STATE',
      `destroy ${id}: process ${makers[0]} is still making it; force removes it`,
      {
        op: 'destroy',
        containerId: id,
      },
    );
  // First: its creator, should it be alive, is not to remove by id what may be somebody else's by then.
  Claim.end(settings.root, id);
  // Before anything is removed: where its cgroup is stands in what the runtime has copied, or was given.
  const cgroupsPath = cgroupsPathOf(settings, id, makers) ?? `/${id}`;
  await Promise.all(makers.map((maker) => endTree(maker)));
  const isClean = await removeFailedContainer(invoker, settings, id, cgroupsPath, true);
  removeStagedBundle(id, settings.root);
  if (isClean) return;
  throw new RuntimeError('ERR_CGROUP', `destroy ${id}: its cgroup ${cgroupsPath} still has processes`, {
    op: 'destroy',
    containerId: id,
    cleanedUp: false,
  });
}

/** From crun's state file or its copy of the configuration, or the configuration that the command line of a maker names. */
function cgroupsPathOf(settings: Settings, id: string, makers: readonly number[]): string | undefined {
  const { 'cgroup-path': recorded } = readStateFile(settings, id);
  if (typeof recorded === 'string' && recorded !== '') return recorded;
  const files = [path.join(settings.root, id, 'config.json')];
  for (const maker of makers) {
    const argv = commandLine(maker);
    const option = (name: string): string | undefined =>
      argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined;
    const config = option('--config');
    const bundle = option('--bundle');
    if (config !== undefined) files.push(config);
    if (bundle !== undefined) files.push(path.join(bundle, 'config.json'));
  }
  for (const file of files) {
    try {
      const config = JSON.parse(fs.readFileSync(file, 'utf8')) as OciConfig;
      return config.linux?.cgroupsPath;
    } catch {
      // Not this one.
    }
  }
  return undefined;
}
