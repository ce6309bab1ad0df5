import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Everything of a container that can be seen from outside, in a form that is equal for equal twins. */
export interface Observation {
  init: string;
  freezer: Record<string, string>;
  cgroups: string[];
  entries: string[] | 'gone';
  logs: Record<string, string>;
}

export interface Watched {
  directory: string;
  stateDirectory: string;
  cgroupsPath: string;
  init: { pid: number; startTime: string } | null;
}

const kRoot = '/sys/fs/cgroup';

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** The fields of /proc/pid/stat from the state (field 3) on. */
export function statFields(pid: number): string[] {
  const stat = readOr(`/proc/${pid}/stat`, '');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Field 22 as text. */
export function startTimeOf(pid: number): string {
  return statFields(pid)[19] ?? '';
}

/** 'alive', 'stopped by a signal', 'zombie' with its wait status, or 'gone'. */
export function initState(init: Watched['init']): string {
  if (init === null) return 'none';
  const fields = statFields(init.pid);
  if (fields[19] !== init.startTime) return 'gone';
  if (fields[0] === 'T') return 'stopped by a signal';
  return fields[0] === 'Z' || fields[0] === 'X' ? `zombie ${fields[49]?.trim()}` : 'alive';
}

const kExiting = 0x4;
const kSigkillBit = 1n << 8n;

/** Whether an init is on its way to becoming a zombie: killed, or (PF_EXITING) in exit() already. */
export function isDying({ pid }: { pid: number }): boolean {
  return (pendingSignals(pid) & kSigkillBit) !== 0n || (Number(statFields(pid)[6]) & kExiting) !== 0;
}

/** Whether an init sleeps and has no signal to take: it has done all that it was asked to do. */
export function isAtRest({ pid }: { pid: number }): boolean {
  return pendingSignals(pid) === 0n && statFields(pid)[0] === 'S';
}

/** The main thread's and the process' own, as a bit mask. */
function pendingSignals(pid: number): bigint {
  const masks = readOr(`/proc/${pid}/status`, '').matchAll(/^(?:SigPnd|ShdPnd):\s*([\da-f]+)$/gm);
  return [...masks].reduce((all, [, mask]) => all | BigInt(`0x${mask}`), 0n);
}

export function isUnified(): boolean {
  return existsSync(`${kRoot}/cgroup.procs`);
}

/** The roots of the hierarchies. */
export function hierarchies(): string[] {
  if (isUnified()) return [kRoot];
  return readdirSync(kRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${kRoot}/${entry.name}`);
}

export function freezerFile(cgroupsPath: string): string {
  return isUnified()
    ? `${kRoot}${cgroupsPath}/cgroup.freeze`
    : `${kRoot}/freezer${cgroupsPath}/freezer.state`;
}

function freezerState(cgroupsPath: string): Record<string, string> {
  const file = freezerFile(cgroupsPath);
  const state: Record<string, string> = { set: readOr(file, 'gone').trim() };
  if (isUnified()) {
    const events = readOr(`${kRoot}${cgroupsPath}/cgroup.events`, 'gone');
    state.frozen = /frozen \d/.exec(events)?.[0] ?? events;
  } else {
    state.self = readOr(`${kRoot}/freezer${cgroupsPath}/freezer.self_freezing`, 'gone').trim();
  }
  return state;
}

/** Pids and the twins' own directories differ; all else must not. */
function normalize(text: string, watched: Watched): string {
  return text
    .replaceAll('\\/', '/') // As json-c writes a slash.
    .replaceAll(watched.directory, '<bundle>')
    .replaceAll(/"pid": ?\d+/g, (match) => (/\b[01]$/.test(match) ? match : '"pid": <pid>'));
}

export function observe(watched: Watched): Observation {
  const logs: Record<string, string> = {};
  const log = `${watched.directory}/log`;
  for (const name of existsSync(log) ? readdirSync(log).toSorted() : []) {
    logs[name] = normalize(readOr(`${log}/${name}`, ''), watched);
  }
  return {
    init: initState(watched.init),
    freezer: freezerState(watched.cgroupsPath),
    cgroups: hierarchies()
      .filter((hierarchy) => existsSync(`${hierarchy}${watched.cgroupsPath}`))
      .map((hierarchy) => hierarchy.slice(kRoot.length)),
    entries: existsSync(watched.stateDirectory) ? readdirSync(watched.stateDirectory).toSorted() : 'gone',
    logs,
  };
}
