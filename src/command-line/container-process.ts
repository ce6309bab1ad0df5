import fs from 'node:fs';
import path from 'node:path';
import { invalidBundle } from '../bundle/check';
import { RuntimeError } from '../errors';
import type { OciProcess } from '../oci';
import type { Settings } from '../runtime/options';
import { readStateFile, stateFile } from '../runtime/state-file';
import { errnoName } from '../system/errno';
import { isObject } from '../system/json';
import { Recent } from '../system/recent';

/** It is exec that wants to know. */
const op = 'exec';

/** The process that a container was made from: crun keeps a copy of its config.json, runc the bundle's path. */
export class ContainerProcesses {
  readonly #recent = new Recent<string, OciProcess>();

  /** @throws ERR_CONTAINER_NOT_FOUND; ERR_INVALID_BUNDLE when config.json is gone or can't be read */
  of(settings: Settings, id: string): OciProcess {
    const directory = path.join(settings.root, id);
    // Half-made it is no container either.
    if (!fs.existsSync(settings.kind === 'other' ? directory : stateFile(settings, id))) {
      const message = `${op} ${id}: the container does not exist`;
      throw new RuntimeError('ERR_CONTAINER_NOT_FOUND', message, { op, containerId: id });
    }
    return this.in(settings.kind === 'crun' ? directory : bundleOf(settings, id));
  }

  /** The process of the config.json in a directory. */
  in(home: string): OciProcess {
    const text = readConfig(home);
    return this.#recent.get(text, () => processIn(text, home));
  }
}

function bundleOf(settings: Settings, id: string): string {
  const { config } = readStateFile(settings, id);
  const labels = isObject(config) && Array.isArray(config.labels) ? config.labels : [];
  const label = labels.find((each): each is string => typeof each === 'string' && each.startsWith('bundle='));
  return label?.slice('bundle='.length) ?? '';
}

function readConfig(directory: string): string {
  try {
    return fs.readFileSync(path.join(directory, 'config.json'), 'utf8');
  } catch (cause) {
    if (errnoName(cause) !== 'ENOENT') throw cause;
    const why = 'the process of a container is looked up there';
    throw invalidBundle(op, directory, `config.json: ${(cause as Error).message}; ${why}`, cause);
  }
}

/** The runtime has accepted it: only what is used here is looked at. */
function processIn(text: string, directory: string): OciProcess {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw invalidBundle(op, directory, 'config.json: is not JSON', cause);
  }
  const process = isObject(config) ? config.process : undefined;
  if (!isObject(process)) throw invalidBundle(op, directory, 'config.json: has no process');
  const env = process.env ?? [];
  if (!Array.isArray(env) || !env.every((entry) => typeof entry === 'string'))
    throw invalidBundle(op, directory, 'config.json: process.env is not a list of strings');
  return process as unknown as OciProcess;
}
