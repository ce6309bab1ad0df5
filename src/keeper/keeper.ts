import fs from 'node:fs';
import path from 'node:path';
import { native } from '../native';
import type { DescriptorList } from '../process/descriptors';
import type { ExitStatus } from '../process/exit';
import type { ProcessStreams } from '../process/process-streams';
import type { ProcessAttributes } from '../process/spawn';
import { systemError } from '../system/errno';
import { ownName } from '../system/owner';
import { makePrivateDirectory } from '../system/private-directory';
import { rootHash, runDirectory } from '../system/run-directory';
import { readEnd } from './record';

/** The first word of a keeper's command line. */
export const keeperName = 'dobby-keeper';

// How long an exit is held back for its keeper's record, where the kernel does not tell it (before Linux 6.15).
const recordMs = 2000;

/** A process that is to be started under a keeper. */
export interface Keep {
  /** Where the keeper writes; no file yet. */
  record: string;
  pidFile: string;
  /** The streams whose pipes it holds, in this order. */
  streams: ProcessStreams;
}

/** Where the records of one container's processes are. Two roots may have the same id. */
function recordDirectory(root: string, id: string): string {
  return path.join(runDirectory(), 'kept', `${rootHash(root)}.${id}`);
}

let count = 0;

/** The record for a process that is about to be made; a container's init begins a new directory. */
export function newRecord(root: string, id: string, op: 'create' | 'exec'): string {
  const directory = recordDirectory(root, id);
  if (op === 'create') {
    makePrivateDirectory(path.dirname(directory));
    removeRecords(root, id);
  }
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return path.join(directory, op === 'create' ? 'init' : `exec-${ownName()}-${count++}`);
}

/** The keepers of processes that have ended go, too, when their records do. */
export function removeRecords(root: string, id: string): void {
  const directory = recordDirectory(root, id);
  if (fs.existsSync(directory)) fs.rmSync(directory, { recursive: true, force: true });
}

export function initRecord(root: string, id: string): string {
  return path.join(recordDirectory(root, id), 'init');
}

/** The records of exec'd processes: of those that others started, or of ours too. */
export function execRecords(root: string, id: string, alsoOurs = false): string[] {
  const directory = recordDirectory(root, id);
  try {
    const names = fs
      .readdirSync(directory)
      .filter((name) => name.startsWith('exec-') && (alsoOurs || !name.startsWith(`exec-${ownName()}-`)));
    return names.map((name) => path.join(directory, name));
  } catch {
    return [];
  }
}

/**
 * The command line that starts a runtime under a keeper. To `fds`, which are the runtime's, are added those that are
 * the keeper's own: copies of the pipes to hold, and of the runtime's image (imageFd, -1: none).
 */
export function keeperCommand(
  keep: Keep,
  runtimePath: string,
  imageFd: number,
  argv: readonly string[],
  fds: DescriptorList,
  { oomScoreAdj, ioPriority }: ProcessAttributes = {},
): string[] {
  let held = '';
  for (const name of ['stdout', 'stderr'] as const) {
    const fd = keep.streams.keptFd(name);
    if (fd < 0) continue;
    fds.add(copyOf(fd));
    held += name === 'stdout' ? '1' : '2';
  }
  if (imageFd >= 0) fds.add(copyOf(imageFd));
  const image = imageFd >= 0 ? fds.length - 1 : -1;
  const attributes = [oomScoreAdj, ioPriority].map((value) => (value === undefined ? '-' : String(value)));
  return [
    keeperName,
    keep.record,
    keep.pidFile,
    held || '-',
    String(image),
    ...attributes,
    runtimePath,
    ...argv,
  ];
}

function copyOf(fd: number): number {
  const copy = native.duplicate(fd);
  if (copy < 0) throw systemError('dup', copy);
  return copy;
}

/**
 * A record is of no more use when the exit has been told: after those who wait for it have run, so that one of them
 * can write it down before it is gone here.
 */
export function removeWhenTold(record: string, process: { exited: Promise<ExitStatus> }): void {
  void process.exited.then(() => setImmediate(() => fs.rmSync(record, { force: true })));
}

/** An exit as it was seen, or as the keeper has it when it was not. */
export async function completeExit(seen: ExitStatus, record: string): Promise<ExitStatus> {
  if (seen.source !== 'unobserved') return seen;
  return (await readEnd(record, recordMs)) ?? seen;
}
