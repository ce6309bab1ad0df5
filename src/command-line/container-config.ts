import fs from 'node:fs';
import path from 'node:path';
import { checkConfig, invalidBundle } from '../bundle/check';
import { RuntimeError } from '../errors';
import type { OciConfig } from '../oci';
import type { Settings } from '../runtime/options';

interface RuncState {
  config?: { labels?: unknown };
}

/** It is exec that wants to know. */
const op = 'exec';

/** The config.json that a container was made from: crun keeps a copy, runc the bundle's path. */
export function containerConfig(settings: Settings, id: string): OciConfig {
  const directory = path.join(settings.root, id);
  if (!fs.existsSync(directory)) {
    const message = `${op} ${id}: the container does not exist`;
    throw new RuntimeError('ERR_CONTAINER_NOT_FOUND', message, { op, containerId: id });
  }
  const home = settings.kind === 'crun' ? directory : bundleOf(directory);
  return checkConfig(op, home, readJson(home, 'config.json'));
}

function bundleOf(directory: string): string {
  const state = readJson(directory, 'state.json') as RuncState | null;
  const labels = state?.config?.labels;
  const label = Array.isArray(labels)
    ? labels.find((each): each is string => typeof each === 'string' && each.startsWith('bundle='))
    : undefined;
  return label?.slice('bundle='.length) ?? '';
}

function readJson(directory: string, name: string): unknown {
  const text = fs.readFileSync(path.join(directory, name), 'utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidBundle(op, directory, `${name}: is not JSON`, cause);
  }
}
