import path from 'node:path';
import { isScarcity } from '../errors';
import { isObject } from '../system/json';
import { readText } from '../system/parsed-file';
import type { Settings } from './options';

/** What is looked for in a state file outside of the adapters, which check all of it. */
export interface StateFile {
  readonly pid?: unknown;
  readonly init_process_pid?: unknown;
  readonly 'process-start-time'?: unknown;
  readonly init_process_start?: unknown;
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

/** What tells one init from every other, before and after it. */
export interface InitIdentity {
  readonly pid: number;
  /** In clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTime: number;
}

/** As the state file has it; null when it does not. */
export function initIdentity(settings: Settings, id: string): InitIdentity | null {
  const state = readStateFile(settings, id);
  const isCrun = settings.kind === 'crun';
  const pid = isCrun ? state.pid : state.init_process_pid;
  const startTime = isCrun ? state['process-start-time'] : state.init_process_start;
  return typeof pid === 'number' && typeof startTime === 'number' ? { pid, startTime } : null;
}

/** The pid of a container's init as the state file has it; 0 when it does not. */
export function initPid(settings: Settings, id: string): number {
  const { pid, init_process_pid } = readStateFile(settings, id);
  return Number(settings.kind === 'crun' ? pid : init_process_pid) || 0;
}
