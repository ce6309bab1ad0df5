import { readFileSync, writeSync } from 'node:fs';

/** What a workload was doing: written before (`creating`, `destroying`) and after (`running`, `gone`) it is done. */
export type Step = 'creating' | 'running' | 'destroying' | 'gone' | 'read';

export interface Entry {
  step: Step;
  id: string;
  /** `read`: how many bytes of its kept pipe have been taken. */
  bytes?: number;
}

/** One write(2) per line to a file opened for appending: what was written is there however the process ended. */
export function note(fd: number, entry: Entry): void {
  writeSync(fd, `${JSON.stringify(entry)}\n`);
}

/** How far each container had got, and how much of its output was taken. */
export interface Last {
  step: Step;
  bytes: number;
}

export function readJournal(file: string): Map<string, Last> {
  const last = new Map<string, Last>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    // A line cut off by the kill: its step has not been told.
    if (!line.endsWith('}')) continue;
    const { step, id, bytes } = JSON.parse(line) as Entry;
    const known = last.get(id) ?? { step, bytes: 0 };
    if (step === 'read') known.bytes = bytes ?? 0;
    else known.step = step;
    last.set(id, known);
  }
  return last;
}
