import fs from 'node:fs';
import path from 'node:path';
import type { OciConfig } from '../oci';
import type { Settings } from './options';

interface RuncState {
  config?: { labels?: string[] };
}

/** The config.json that a container was made from: crun keeps a copy, runc the bundle's path. */
export function containerConfig(settings: Settings, id: string): OciConfig {
  const directory = path.join(settings.root, id);
  if (settings.kind === 'crun') return readJson(path.join(directory, 'config.json')) as OciConfig;
  const state = readJson(path.join(directory, 'state.json')) as RuncState;
  const bundle = state.config?.labels?.find((label) => label.startsWith('bundle='))?.slice('bundle='.length);
  return readJson(path.join(bundle ?? '', 'config.json')) as OciConfig;
}

function readJson(file: string): unknown {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}
