import { readdirSync } from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import { snapshot } from '../helpers/leaks';

/** What must stay flat, at one moment. */
export interface Sample {
  seconds: number;
  cycles: number;
  rssMiB: number;
  heapMiB: number;
  descriptors: number;
  cgroups: number;
  zombies: number;
}

const mebibyte = 1024 * 1024;

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

export function takeSample(startedMs: number, cycles: number): Sample {
  // Without what is garbage already: what is left and grows is a leak.
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  const { children, cgroups } = snapshot();
  return {
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    cycles,
    rssMiB: round(rss / mebibyte),
    heapMiB: round(heapUsed / mebibyte),
    descriptors: readdirSync('/proc/self/fd').length,
    cgroups: cgroups.length,
    zombies: children.filter((line) => line.startsWith('zombie')).length,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const flatMiB = 4;

/** What grew between the second and the last fifth of a long soak, as sentences. */
export function growth(samples: readonly Sample[]): string[] {
  return (['heapMiB', 'rssMiB', 'descriptors', 'cgroups', 'zombies'] as const).flatMap((field) => {
    const early = medianOf(samples, field, 0.2, 0.4);
    const late = medianOf(samples, field, 0.8, 1);
    const slack = field === 'heapMiB' ? flatMiB : Math.max(10, early * 0.25);
    return late > early + slack ? [`${field}: ${early}, then ${late}`] : [];
  });
}

/** The median of one field over a part of the samples, given as fractions. */
export function medianOf(samples: readonly Sample[], field: keyof Sample, from: number, to: number): number {
  const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
  const values = part.map((sample) => sample[field]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? 0;
}
