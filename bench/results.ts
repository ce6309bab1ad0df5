import fs from 'node:fs';
import path from 'node:path';
import type { Machine } from './machine';
import type { Measure, Params, Scale } from './question';
import type { Summary } from './statistics';

/** Raised when a reader of old files would misread new ones. */
export const schemaVersion = 1;

/** One measure of one contestant in one case. Times in nanoseconds. */
export interface Figure extends Summary {
  measure: string;
  contestant: string;
  params: Params;
  /** The median of every round, in order: drift shows here. */
  rounds: number[];
}

export interface Noise {
  params: Params;
  /** A fixed piece of arithmetic, timed many times before every round: nanoseconds. */
  spin: Summary;
  /** Share of the processor time that the hypervisor gave to others. */
  stolen: number;
  /** The machine's load average (1 minute) when the case began. */
  load: number;
}

export interface Absence {
  contestant: string;
  params: Params;
  reason: string;
  /** false: it is not able to; true: it should have been and failed. */
  failed: boolean;
}

export interface Answer {
  name: string;
  asks: string;
  how: string;
  across: string;
  growth?: string;
  measures: readonly Measure[];
  figures: Figure[];
  absences: Absence[];
  noise: Noise[];
  seconds: number;
}

export interface Results {
  schema: 'dobby-runc-bench';
  schemaVersion: number;
  startedAt: string;
  scale: Scale;
  machine: Machine;
  contestants: Record<string, string>;
  answers: Answer[];
}

export function resultsFileName(results: Results): string {
  const machine = results.machine.name.replaceAll(/[^A-Za-z0-9]+/g, '-');
  const scale = results.scale === 'full' ? '' : `-${results.scale}`;
  return `${results.startedAt.slice(0, 16).replaceAll(/[:]/g, '')}-${machine}${scale}.json`;
}

export function writeResults(file: string, results: Results): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(results, roundNumbers, 1)}\n`);
}

/** Nine digits say all that a measurement can. */
function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value;
}

export function readResults(file: string): Results {
  const results = JSON.parse(fs.readFileSync(file, 'utf8')) as Results;
  if (results.schema !== 'dobby-runc-bench') throw new Error(`${file}: not a result of this benchmark`);
  if (results.schemaVersion !== schemaVersion) {
    throw new Error(`${file}: schema version ${results.schemaVersion}, this harness reads ${schemaVersion}`);
  }
  return results;
}

export function sameParams(a: Params, b: Params): boolean {
  return paramsText(a) === paramsText(b);
}

export function paramsText(params: Params): string {
  return Object.entries(params)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
