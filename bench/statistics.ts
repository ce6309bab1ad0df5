/** What a list of samples says. Quantiles are interpolated, so that p99 of few samples is not simply the maximum. */
export interface Summary {
  samples: number;
  min: number;
  p25: number;
  p50: number;
  p75: number;
  p99: number;
  max: number;
  mean: number;
  /** Median absolute deviation from the median. */
  mad: number;
}

export function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const low = Math.floor(position);
  const below = sorted[low] ?? Number.NaN;
  const above = sorted[Math.min(low + 1, sorted.length - 1)] ?? Number.NaN;
  return below + (above - below) * (position - low);
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error('no samples to summarize');
  const sorted = values.toSorted((a, b) => a - b);
  const p50 = quantile(sorted, 0.5);
  return {
    samples: sorted.length,
    min: sorted[0] as number,
    p25: quantile(sorted, 0.25),
    p50,
    p75: quantile(sorted, 0.75),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) as number,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    mad: median(sorted.map((value) => Math.abs(value - p50))),
  };
}
