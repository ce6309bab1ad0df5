import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repository } from './paths';
import type { Params, Runtimes } from './question';

/** The conditions of a run. */
export interface Machine {
  name: string;
  kernel: string;
  arch: string;
  cpu: string;
  cpus: number;
  memoryBytes: number;
  distribution: string;
  node: string;
  libuv: string;
  /** First line of `--version` by runtime. */
  runtimes: Record<string, string>;
  cgroup: 'v1' | 'v2';
  hugePages: string;
  /** /sys/kernel/rcu_expedited: whether what waits for all processors is hurried on. */
  rcuExpedited?: boolean;
  /** What the runtimes' state is on: 'tmpfs', or another file system's type as statfs(2) has it. */
  stateOn?: string;
  commit: string;
  version: string;
}

function firstLine(program: string, args: string[]): string {
  try {
    const text = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n')[0]?.trim() ?? '';
  } catch {
    return '';
  }
}

const tmpfsMagic = 0x01021994;

function stateFileSystem(): string {
  const { type } = fs.statfsSync('/run');
  return type === tmpfsMagic ? 'tmpfs' : `0x${type.toString(16)}`;
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The runtime that a case is about: crun where its parameters do not say. */
export function runtimeFor(params: Params): string {
  const name = (params.runtime ?? 'crun') as keyof Runtimes;
  const runtimes = findRuntimes();
  const file = runtimes[name] ?? (params.runtime === undefined ? runtimes.runc : undefined);
  if (file === undefined) throw new Error(`${name} is not on this machine`);
  return file;
}

/** The machine's own runtimes, by PATH and the directories that a user's PATH often lacks. */
export function findRuntimes(): Runtimes {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const found: Partial<Record<'crun' | 'runc', string>> = {};
  for (const name of ['crun', 'runc'] as const) {
    const file = directories
      .map((directory) => path.join(directory, name))
      .find((each) => fs.existsSync(each));
    if (file !== undefined) found[name] = file;
  }
  return found;
}

function cgroupMode(): 'v1' | 'v2' {
  return fs.existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1';
}

function commitOf(directory: string): string {
  const commit = firstLine('git', ['-C', directory, 'rev-parse', '--short=12', 'HEAD']);
  if (commit === '') return 'unknown';
  const changed = firstLine('git', ['-C', directory, 'status', '--porcelain', '--untracked-files=no']);
  return changed === '' ? commit : `${commit} with changes`;
}

export function describeMachine(runtimes: Runtimes): Machine {
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown';
  const cpus = os.availableParallelism();
  const manifest = JSON.parse(readText(path.join(repository, 'package.json'))) as { version: string };
  return {
    name: `${cpus}x-${cpu.split(/\s+/).slice(0, 3).join('-')}-${process.arch}`,
    kernel: os.release(),
    arch: process.arch,
    cpu,
    cpus,
    memoryBytes: os.totalmem(),
    distribution: /^PRETTY_NAME="?([^"\n]*)/m.exec(readText('/etc/os-release'))?.[1] ?? 'unknown',
    node: process.version,
    libuv: process.versions.uv ?? '',
    runtimes: Object.fromEntries(
      Object.entries(runtimes).map(([name, file]) => [name, firstLine(file, ['--version'])]),
    ),
    cgroup: cgroupMode(),
    stateOn: stateFileSystem(),
    hugePages: /\[(\w+)\]/.exec(readText('/sys/kernel/mm/transparent_hugepage/enabled'))?.[1] ?? 'unknown',
    rcuExpedited: readText('/sys/kernel/rcu_expedited').trim() === '1',
    commit: commitOf(repository),
    version: manifest.version,
  };
}
