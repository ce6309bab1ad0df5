import path from 'node:path';
import type { ExitStatus } from '../process/exit';
import { readSmallText } from '../process/small-file';
import type { Settings } from './options';
import { readText } from './state';

interface StateFile {
  'cgroup-path'?: string;
  cgroup_paths?: Record<string, string>;
}

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

  forget(id: string): void {
    this.#counts.delete(id);
  }
}

function readOomKills({ root, kind }: Settings, id: string): number {
  try {
    const stateFile = path.join(root, id, kind === 'crun' ? 'status' : 'state.json');
    const state = JSON.parse(readText(stateFile)) as StateFile;
    for (const file of counterFiles(state)) {
      const count = /^oom_kill (\d+)$/m.exec(readSmallText(file) ?? '');
      if (count) return Number(count[1]);
    }
  } catch {
    // No state file any more: nobody can tell.
  }
  return 0;
}

function counterFiles(state: StateFile): string[] {
  const paths = state.cgroup_paths;
  if (paths) {
    return [
      path.join(paths.memory ?? '/nonexistent', 'memory.oom_control'),
      path.join(paths[''] ?? '/nonexistent', 'memory.events'),
    ];
  }
  const relative = state['cgroup-path'];
  if (!relative) return [];
  return [
    path.join('/sys/fs/cgroup', relative, 'memory.events'),
    path.join('/sys/fs/cgroup/memory', relative, 'memory.oom_control'),
  ];
}
