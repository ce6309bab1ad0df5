import fs from 'node:fs';
import { native } from '../native';
import type { ExitStatus } from '../process/exit';
import { ProcessStreams } from '../process/process-streams';
import { reattach, reattachHeld } from '../process/reattach';
import { endedProcess, type Supervised, SupervisedProcess } from '../process/supervise';
import { startTicks } from '../system/process-stat';
import { completeExit, keeperName } from './keeper';
import { type KeptRecord, readEnd, readRecord } from './record';

/** A kept process as a successor has it. */
export interface Adopted {
  process: Supervised;
  streams: ProcessStreams;
}

type Refine = (status: ExitStatus) => ExitStatus | Promise<ExitStatus>;

const recordMs = 2000;

/** Takes over a process by its keeper's record, whether it still runs or not; null when nothing is known of it. */
export async function adoptKept(file: string, refine: Refine): Promise<Adopted | null> {
  const record = readRecord(file);
  if (!record) return null;
  const pidfd = openRunning(record);
  // The keeper's ends of the pipes rather than the process's own, which are gone the moment it ends.
  if (pidfd >= 0) {
    const streams = heldStreams(record, file) ?? reattach(record.pid, () => native.pidfdExited(pidfd) === 0);
    return { process: supervise(record, pidfd, file, [streams], refine), streams };
  }
  const status = await readEnd(file, recordMs);
  if (!status) return null;
  const streams = heldStreams(record, file) ?? new ProcessStreams();
  return { process: endedProcess(record.pid, await refine(status), [streams]), streams };
}

function heldStreams({ keeperPid, held }: KeptRecord, file: string): ProcessStreams | null {
  return isKeeper(keeperPid, file) ? reattachHeld(keeperPid, held) : null;
}

function supervise(
  { pid }: KeptRecord,
  pidfd: number,
  file: string,
  streams: readonly ProcessStreams[],
  refine: Refine,
): Supervised {
  const complete = async (status: ExitStatus): Promise<ExitStatus> =>
    refine(await completeExit(status, file));
  return new SupervisedProcess(pid, pidfd, streams, complete);
}

/** A pidfd of the record's process, or -1 when that has ended. */
function openRunning({ pid, startTicks: started, status }: KeptRecord): number {
  const pidfd = status ? -1 : native.pidfdOpen(pid);
  if (pidfd < 0) return -1;
  // Asked with the pidfd in hand, so that it is the pidfd's process that is asked about.
  if (startTicks(pid) === started && native.pidfdExited(pidfd) === 0) return pidfd;
  native.close(pidfd);
  return -1;
}

/** Whether a pid is still that of the keeper that writes this record. */
function isKeeper(pid: number, file: string): boolean {
  try {
    const [name, record] = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return name === keeperName && record === file;
  } catch {
    return false;
  }
}
