import path from 'node:path';
import { isScarcity } from '../errors';
import { isObject } from '../system/json';
import { readText } from '../system/parsed-file';
import type { Settings } from './options';

/** What is looked for in a state file outside of the adapters, which check all of it. */
export interface StateFile {
  readonly pid?: unknown;
  readonly init_process_pid?: unknown;
  readonly 'cgroup-path'?: unknown;
  readonly cgroup_paths?: unknown;
  readonly config?: unknown;
}

/** What the runtime writes when it has made a container. */
export function stateFile({ root, kind }: Settings, id: string): string {
  return path.join(root, id, kind === 'crun' ? 'status' : 'state.json');
}

/** Without members when there is no such file, or when it is not one of a runtime that is known. */
export function readStateFile(settings: Settings, id: string): StateFile {
  if (settings.kind === 'other') return {};
  try {
    const state: unknown = JSON.parse(readText(stateFile(settings, id)));
    return isObject(state) ? state : {};
  } catch (error) {
    // Out of descriptors: that it can't be read says nothing about it.
    if (isScarcity(error)) throw error;
    return {};
  }
}

/** The pid of a container's init as the state file has it; 0 when it does not. */
export function initPid(settings: Settings, id: string): number {
  const { pid, init_process_pid } = readStateFile(settings, id);
  return Number(settings.kind === 'crun' ? pid : init_process_pid) || 0;
}
