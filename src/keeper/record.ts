import fs from 'node:fs';
import { ExitSource } from '../native';
import { decodeExit, type ExitStatus } from '../process/exit';

/** What a keeper has written about its process; native/keeper/keeper.c has the form. */
export interface KeptRecord {
  readonly keeperPid: number;
  readonly pid: number;
  /** Of the process: with the pid it says which process is meant. */
  readonly startTicks: number;
  /** The keeper's descriptors of the pipes that it holds, by the stream that each is. */
  readonly held: ReadonlyMap<'stdout' | 'stderr', number>;
  /** null: it has not ended, or its keeper was killed. */
  readonly status: ExitStatus | null;
}

/** null when there is none, or its process was never started. */
export function readRecord(file: string): KeptRecord | null {
  try {
    return parseRecord(fs.readFileSync(file, 'latin1'));
  } catch {
    return null;
  }
}

export function parseRecord(text: string): KeptRecord | null {
  const first = /^(\d{1,10}) (\d{1,10}) (\d{1,15}) (\d{1,10}) ([12]{1,2}|-)\n/.exec(text);
  if (!first) return null;
  const [line, keeperPid, pid, startTicks, firstHeld, streams] = first;
  const names = streams === '-' ? [] : (streams as string).split('');
  const held = names.map(
    (each, index) => [each === '1' ? 'stdout' : 'stderr', Number(firstHeld) + index] as const,
  );
  return {
    keeperPid: Number(keeperPid),
    pid: Number(pid),
    startTicks: Number(startTicks),
    held: new Map(held),
    status: parseEnd(text.slice(line.length)),
  };
}

function parseEnd(text: string): ExitStatus | null {
  const [, word, ms] = /^(\d{1,10}) (\d{1,15})\n/.exec(text) ?? [];
  if (word === undefined) return null;
  return { ...decodeWaitStatus(Number(word)), at: new Date(Number(ms)), source: 'keeper' };
}

// CLD_* of sigaction(2), by the bits of a wait status (wait(2)).
function decodeWaitStatus(word: number): ExitStatus {
  const signal = word & 0x7f;
  if (signal === 0) return decodeExit(1, (word >> 8) & 0xff, ExitSource.Waitid);
  return decodeExit((word & 0x80) === 0 ? 2 : 3, signal, ExitSource.Waitid);
}

const lookMs = 2;

/** Waits for the end of a process that has ended: its keeper needs a moment to write it down. */
export async function readEnd(file: string, ms: number): Promise<ExitStatus | null> {
  for (const end = performance.now() + ms; ; ) {
    const status = readRecord(file)?.status ?? null;
    if (status || performance.now() >= end) return status;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
