import type { Sample } from './samples';

const width = 720;
const rowHeight = 110;
const left = 60;
const top = 34;
const plotWidth = width - left - 20;
const plotHeight = rowHeight - 46;

const rows: ReadonlyArray<{ field: keyof Sample; title: string }> = [
  { field: 'cycles', title: 'cycles' },
  { field: 'rssMiB', title: 'resident memory, MiB' },
  { field: 'heapMiB', title: 'heap after garbage collection, MiB' },
  { field: 'descriptors', title: 'open descriptors' },
  { field: 'cgroups', title: 'cgroup directories' },
  { field: 'zombies', title: 'zombies' },
];

/** The samples of a soak as one SVG, one small chart per quantity over the seconds. */
export function plotSamples(title: string, samples: readonly Sample[]): string {
  const height = top + rows.length * rowHeight;
  const charts = rows.map(({ field, title: name }, index) =>
    chart(name, samples, field, top + index * rowHeight),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="14">${title}</text>`,
    ...charts,
    '</svg>\n',
  ].join('\n');
}

function chart(title: string, samples: readonly Sample[], field: keyof Sample, y: number): string {
  const lastSecond = Math.max(1, samples.at(-1)?.seconds ?? 1);
  const most = Math.max(1, ...samples.map((sample) => sample[field]));
  const points = samples
    .map((sample) => {
      const px = left + (sample.seconds / lastSecond) * plotWidth;
      const py = y + 18 + plotHeight - (sample[field] / most) * plotHeight;
      return `${px.toFixed(1)},${py.toFixed(1)}`;
    })
    .join(' ');
  const base = y + 18 + plotHeight;
  return [
    `<text x="${left}" y="${y + 10}">${title}</text>`,
    `<path d="M${left} ${y + 18}V${base}H${left + plotWidth}" fill="none" stroke="#999"/>`,
    `<text x="${left - 6}" y="${y + 24}" text-anchor="end">${Math.round(most)}</text>`,
    `<text x="${left - 6}" y="${base}" text-anchor="end">0</text>`,
    `<text x="${left + plotWidth}" y="${base + 13}" text-anchor="end">${Math.round(lastSecond)} s</text>`,
    `<polyline points="${points}" fill="none" stroke="#1f6feb" stroke-width="1.2"/>`,
  ].join('\n');
}
