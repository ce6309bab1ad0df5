import fs from 'node:fs';
import { type Summary, summarize } from './statistics';

/** A millisecond or two of arithmetic, the same every time. */
function spinOnce(): number {
  const start = process.hrtime.bigint();
  let value = 1;
  for (let i = 0; i < 1_000_000; i++) value = (Math.imul(value, 1_103_515_245) + 12_345) | 0;
  if (value === 0.5) throw new Error('impossible, and keeps the loop from being left out');
  return Number(process.hrtime.bigint() - start);
}

export function calibrate(times = 20): number[] {
  return Array.from({ length: times }, spinOnce);
}

// Compiled before it counts.
calibrate(5);

interface Ticks {
  all: number;
  stolen: number;
}

function readTicks(): Ticks {
  const fields =
    fs.readFileSync('/proc/stat', 'utf8').split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  return { all: fields.slice(0, 8).reduce((sum, value) => sum + value, 0), stolen: fields[7] ?? 0 };
}

/** What disturbed the measurement while it ran. */
export class NoiseMeter {
  readonly #begin = readTicks();
  readonly #spins: number[] = [];
  readonly load = Number(fs.readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);

  sample(): void {
    this.#spins.push(...calibrate());
  }

  read(): { spin: Summary; stolen: number; load: number } {
    const now = readTicks();
    const elapsed = now.all - this.#begin.all;
    const stolen = elapsed > 0 ? (now.stolen - this.#begin.stolen) / elapsed : 0;
    return { spin: summarize(this.#spins), stolen, load: this.load };
  }
}
