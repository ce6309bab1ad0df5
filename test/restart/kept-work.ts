import path from 'node:path';
import type { CreateOptions } from '../../src/index';

// What the processes of the keeper test do: print lines, wait, print one more, and end with a code, all of which
// follows from their number; so whoever comes later can tell what has to be there.

export interface Work {
  number: number;
  script: string;
  code: number;
  output: string;
  /** Its output goes to a file; else to a kept pipe that the first process does not read. */
  toFile: boolean;
}

export function workOf(number: number): Work {
  const lines = 20 + (number % 50);
  const waitMs = (number * 37) % 400;
  const code = number % 250;
  const script = `i=0; while [ $i -lt ${lines} ]; do echo ${number}.$i; i=$((i+1)); done; usleep ${waitMs}000; echo end; exit ${code}`;
  const output = `${Array.from({ length: lines }, (_, index) => `${number}.${index}\n`).join('')}end\n`;
  return { number, script, code, output, toFile: number % 2 === 0 };
}

export function fileOf(directory: string, number: number): string {
  return path.join(directory, String(number));
}

export function targetOf(work: Work, directory: string): CreateOptions['stdout'] {
  return work.toFile ? { file: fileOf(directory, work.number) } : 'kept-pipe';
}

/** One line of the journal: a process was started (its call came back), or its exit was told. */
export interface KeptEntry {
  step: 'started' | 'told';
  id: string;
  pid: number;
  number: number;
  isInit: boolean;
  code?: number | null;
}
