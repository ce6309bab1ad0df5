import type { Measure, Unit } from './question';

const scales: Record<Unit, ReadonlyArray<readonly [number, string]>> = {
  ns: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [1e6, 'MB'],
    [1e3, 'kB'],
    [1, 'B'],
  ],
  'bytes per second': [
    [1e9, 'GB/s'],
    [1e6, 'MB/s'],
    [1, 'B/s'],
  ],
  'per second': [[1, '/s']],
  count: [[1, '']],
};

/** Three digits: more would pretend to be exact. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

/** The largest unit in which the value is at least 1. */
export function scaleOf(unit: Unit, value: number): readonly [number, string] {
  const scale = scales[unit];
  return scale.find(([size]) => Math.abs(value) >= size) ?? (scale.at(-1) as readonly [number, string]);
}

export function format(unit: Unit, value: number): string {
  const [size, name] = scaleOf(unit, value);
  return `${digits(value / size)} ${name}`.trim();
}

export function unitOf(measures: readonly Measure[], name: string): Unit {
  return measures.find((measure) => measure.name === name)?.unit ?? 'count';
}
