import path from 'node:path';
import type { ExitStatus } from '../process/exit';
import type { Settings } from '../runtime/options';
import { readStateFile, type StateFile } from '../runtime/state-file';
import { isObject } from '../system/json';
import { readSmallText } from '../system/small-file';

/**
 * Tells whether a process of a container was ended by the kernel's out-of-memory killer: it died of SIGKILL, and the
 * counter `oom_kill` of the container's memory cgroup (memory.events, or memory.oom_control in v1; Linux 4.13) has
 * grown since it was last looked at.
 */
export class OomWatch {
  readonly #settings: Settings;
  readonly #counts = new Map<string, number>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  refine(id: string, status: ExitStatus): ExitStatus {
    if (status.signal !== 'SIGKILL') return status;
    const before = this.#counts.get(id) ?? 0;
    const now = readOomKills(this.#settings, id);
    if (now > before) this.#counts.set(id, now);
    return now > before ? { ...status, oomKilled: true } : status;
  }

  /** What has been killed until now is nobody's whose end is told from now on. */
  rebase(id: string): void {
    this.#counts.set(id, readOomKills(this.#settings, id));
  }

  forget(id: string): void {
    this.#counts.delete(id);
  }
}

function readOomKills(settings: Settings, id: string): number {
  try {
    for (const file of counterFiles(readStateFile(settings, id))) {
      const count = /^oom_kill (\d+)$/m.exec(readSmallText(file) ?? '');
      if (count) return Number(count[1]);
    }
  } catch {
    // A counter that can't be read: nobody can tell.
  }
  return 0;
}

function counterFiles({ cgroup_paths: paths, 'cgroup-path': relative }: StateFile): string[] {
  // runc records a directory for each hierarchy, crun one path below all of them.
  if (isObject(paths)) return [...counterIn(paths.memory, kCounterV1), ...counterIn(paths[''], kCounterV2)];
  if (typeof relative !== 'string' || relative === '') return [];
  return [
    path.join('/sys/fs/cgroup', relative, kCounterV2),
    path.join('/sys/fs/cgroup/memory', relative, kCounterV1),
  ];
}

const kCounterV1 = 'memory.oom_control';
const kCounterV2 = 'memory.events';

function counterIn(directory: unknown, file: string): string[] {
  return typeof directory === 'string' ? [path.join(directory, file)] : [];
}
