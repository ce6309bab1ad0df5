import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { native } from '../native';
import { errnoName, kEnodev } from '../system/errno';
import { readSmallText } from '../system/small-file';
import { Unfamiliar } from '../system/unfamiliar';

const kRoot = '/sys/fs/cgroup';
const kCgroup2Magic = 0x63677270;
const kTmpfsMagic = 0x01021994;
const kCgroupMagic = 0x27e0eb;

export type CgroupMode = 'unified' | 'hybrid' | 'legacy';

/** How cgroups are mounted, by the rule that both runtimes use: the file systems at and below /sys/fs/cgroup. */
export function cgroupMode(): CgroupMode {
  const { type } = fs.statfsSync(kRoot);
  if (type === kCgroup2Magic) return 'unified';
  if (type !== kTmpfsMagic) throw new Unfamiliar(`${kRoot} is neither cgroup v2 nor a tmpfs`);
  const unified = `${kRoot}/unified`;
  return fs.existsSync(unified) && fs.statfsSync(unified).type === kCgroup2Magic ? 'hybrid' : 'legacy';
}

/** A container's cgroup path as it can be put below a hierarchy; anything that climbs is unfamiliar. */
export function relativeCgroup(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) throw new Unfamiliar(`cgroup path '${path}'`);
  return parts.join('/');
}

/** Where every hierarchy is mounted, in the order of /proc/self/cgroup (crun's order). */
export function cgroupHierarchies(mode: CgroupMode): string[] {
  if (mode === 'unified') return [kRoot];
  const hierarchies: string[] = [];
  for (const line of fs.readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const controllers = line.split(':', 2)[1];
    if (controllers === undefined) continue;
    const name = controllers.startsWith('name=') ? controllers.slice('name='.length) : controllers;
    if (name !== '') hierarchies.push(`${kRoot}/${name}`);
    else if (mode === 'hybrid') hierarchies.push(`${kRoot}/unified`);
  }
  return hierarchies;
}

/** The files that freeze a cgroup. */
export interface Freezer {
  /** freezer.state (v1) or cgroup.freeze (v2): what is written, and what both runtimes read. */
  readonly file: string;
  /** v1: tells freezing by itself from being frozen by a parent. */
  readonly self: string;
  /** v2: tells when the cgroup has really been frozen. */
  readonly events: string;
  readonly isUnified: boolean;
}

export function freezerIn(directory: string, isUnified: boolean): Freezer {
  return {
    file: `${directory}/${isUnified ? 'cgroup.freeze' : 'freezer.state'}`,
    self: isUnified ? '' : `${directory}/freezer.self_freezing`,
    events: isUnified ? `${directory}/cgroup.events` : '',
    isUnified,
  };
}

/** crun's freezer of a cgroup path. */
export function freezerOf(mode: CgroupMode, relative: string): Freezer {
  const directory = mode === 'unified' ? `${kRoot}/${relative}` : `${kRoot}/freezer/${relative}`;
  return freezerIn(directory, mode === 'unified');
}

/** Whether the v1 freezer is there at all: where it is not, the versions of crun differ. */
export function hasFreezerHierarchy(): boolean {
  return fs.existsSync(`${kRoot}/freezer`) && fs.statfsSync(`${kRoot}/freezer`).type === kCgroupMagic;
}

export function cgroupKillFile(relative: string): string {
  return `${kRoot}/${relative}/cgroup.kill`;
}

const scratch = Buffer.allocUnsafeSlow(256);

/** Opens a cgroup file; -1 when it (that is, its cgroup) does not exist. */
export function openCgroupFile(path: string, flags: number): number {
  try {
    return fs.openSync(path, flags);
  } catch (error) {
    if (isGone(error)) return -1;
    throw error;
  }
}

/** Reads a cgroup file by descriptor; null when its cgroup has been removed since. */
export function readCgroupFd(fd: number, path: string): string | null {
  const length = native.readAt(fd, scratch, 0, scratch.length, 0);
  if (length >= 0) return scratch.toString('latin1', 0, length);
  if (length === kEnodev) return null;
  throw new Unfamiliar(`read ${path}: error ${-length}`);
}

/** Writes a cgroup file by descriptor; false when its cgroup has been removed since. */
export function writeCgroupFd(fd: number, path: string, text: string): boolean {
  const result = native.write(fd, scratch, 0, scratch.write(text, 'latin1'));
  if (result >= 0) return true;
  if (result === kEnodev) return false;
  throw new Unfamiliar(`write ${path}: error ${-result}`);
}

function isGone(error: unknown): boolean {
  const code = errnoName(error);
  return code === 'ENOENT' || code === 'ENODEV';
}

/** Writes a cgroup file that exists. */
export function writeCgroupFile(path: string, text: string): void {
  const fd = fs.openSync(path, fs.constants.O_WRONLY);
  try {
    fs.writeSync(fd, text);
  } finally {
    fs.closeSync(fd);
  }
}

export function freezerWord(freezer: Freezer, isFrozen: boolean): string {
  if (freezer.isUnified) return isFrozen ? '1' : '0';
  return isFrozen ? 'FROZEN' : 'THAWED';
}

/** How a freezer is reached: by path, or by a descriptor that is kept. */
export interface FreezerAccess {
  freezerText(freezer: Freezer): string | null;
  writeFreezer(freezer: Freezer, word: string): void;
}

export const byPath: FreezerAccess = {
  freezerText: ({ file }) => readSmallText(file),
  writeFreezer: ({ file }, word) => writeCgroupFile(file, word),
};

/** Whether the cgroup is now in the state that was asked for; throws when it is gone. */
function isConfirmed(freezer: Freezer, isFrozen: boolean, access: FreezerAccess): boolean {
  const text = freezer.isUnified ? readSmallText(freezer.events) : access.freezerText(freezer);
  if (text === null) throw new Unfamiliar(`${freezer.file} is gone`);
  if (freezer.isUnified) return text.includes(isFrozen ? 'frozen 1' : 'frozen 0');
  return text.trim() === freezerWord(freezer, isFrozen);
}

const kThawEvery = 8;
const kConfirmMs = 1000;

/**
 * Freezes or thaws and waits until it is so. Freezing takes a few microseconds on v1 and about 150 on v2, and
 * POLLPRI on cgroup.events comes milliseconds late: so re-read first, then between two turns of the loop.
 */
export async function setFrozen(
  freezer: Freezer,
  isFrozen: boolean,
  access: FreezerAccess = byPath,
): Promise<void> {
  const word = freezerWord(freezer, isFrozen);
  access.writeFreezer(freezer, word);
  const start = performance.now();
  for (let reads = 1; ; reads++) {
    if (isConfirmed(freezer, isFrozen, access)) return;
    const elapsedMs = performance.now() - start;
    if (elapsedMs > kConfirmMs) throw new Unfamiliar(`${freezer.file} did not become '${word}'`);
    if (reads < 4) continue;
    if (elapsedMs < 5) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      continue;
    }
    await delay(1);
    if (freezer.isUnified) continue;
    // v1 stays FREEZING while processes keep appearing, until FROZEN is written again; and for ever when a process is
    // in the middle of an exec: it waits for its other threads, which are frozen. Let it go on for a moment.
    if (isFrozen && reads % kThawEvery === 0) {
      access.writeFreezer(freezer, freezerWord(freezer, false));
      await delay(1);
    }
    access.writeFreezer(freezer, word);
  }
}

/** Removes one cgroup directory. False when it still has processes or children; true when it is gone. */
export function removeCgroup(directory: string): boolean {
  try {
    fs.rmdirSync(directory);
    return true;
  } catch (error) {
    const code = errnoName(error);
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    throw error;
  }
}

/** The processes in one cgroup, without those below it; none when it is gone. The first of a pid namespace is left out. */
export function processesIn(directory: string): number[] {
  try {
    const text = fs.readFileSync(`${directory}/cgroup.procs`, 'latin1');
    return text
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 1);
  } catch {
    return [];
  }
}
