import { axisHeight, axisStyle, frame, heading, logTicks, type Panel, textWidth, titleHeight } from './frame';
import { color, dashOf, fontFamily } from './theme';

export interface LinePoint {
  x: number;
  value: number;
  low: number;
  high: number;
}

export interface Line {
  label: string;
  contestant: string;
  points: LinePoint[];
}

/** Growth: both axes logarithmic, a line per contestant, its spread at every point, its name at the end. */
export function linePanel(title: string, xTitle: string, lines: readonly Line[], width: number): Panel {
  const height = 300;
  const margin = {
    left: 54,
    right: textWidth(lines.map(({ label }) => label)) + 16,
    top: titleHeight,
    bottom: axisHeight,
  };
  const innerHeight = height - margin.top - margin.bottom;
  const points = lines.flatMap((line) =>
    line.points.map((point) => ({ ...point, label: line.label, color: color(line.contestant) })),
  );
  const xs = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b);
  const lows = points.map(({ low }) => low);
  const domain = [Math.min(...lows) * 0.8, Math.max(...points.map(({ high }) => high)) * 1.25] as const;
  const spec = {
    ...frame({ width, height }, margin),
    data: [
      { name: 'points', values: points },
      ...lines.map((line, index) => ({ name: `line${index}`, values: line.points })),
      { name: 'names', values: spreadNames(lines, domain, innerHeight) },
    ],
    scales: [
      { name: 'x', type: 'log', domain: [xs[0], xs.at(-1)], range: 'width' },
      { name: 'y', type: 'log', domain, range: 'height' },
    ],
    axes: [
      { scale: 'x', orient: 'bottom', values: xs, title: xTitle, ...axisStyle, format: ',' },
      {
        scale: 'y',
        orient: 'left',
        grid: true,
        values: logTicks(domain),

        format: ',~g',
        ...axisStyle,
      },
    ],
    marks: [
      heading(title, margin),
      ...lines.map((line, index) => ({
        type: 'line',
        from: { data: `line${index}` },
        encode: {
          enter: {
            x: { scale: 'x', field: 'x' },
            y: { scale: 'y', field: 'value' },
            stroke: { value: color(line.contestant) },
            strokeWidth: { value: 2.5 },
            strokeDash: { value: dashOf(line.contestant) },
          },
        },
      })),
      {
        type: 'rule',
        from: { data: 'points' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'x' },
            y: { scale: 'y', field: 'low' },
            y2: { scale: 'y', field: 'high' },
            stroke: { field: 'color' },
            strokeWidth: { value: 1.5 },
          },
        },
      },
      {
        type: 'symbol',
        from: { data: 'points' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'x' },
            y: { scale: 'y', field: 'value' },
            size: { value: 40 },
            fill: { field: 'color' },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'names' },
        encode: {
          enter: {
            x: { signal: 'width' },
            dx: { value: 10 },
            y: { field: 'y' },
            text: { field: 'label' },
            baseline: { value: 'middle' },
            font: { value: fontFamily },
            fontSize: { value: 12 },
            fill: { field: 'color' },
          },
        },
      },
    ],
  };
  return { spec, width, height };
}

const nameHeight = 15;

/** Where the names go: beside their last point, pushed apart where they would cover each other. */
function spreadNames(
  lines: readonly Line[],
  [low, high]: readonly [number, number],
  height: number,
): object[] {
  const position = (value: number) => height * (1 - Math.log(value / low) / Math.log(high / low));
  const names = lines
    .map(({ label, contestant, points }) => ({
      label,
      color: color(contestant),
      y: position(points.at(-1)?.value ?? low),
    }))
    .toSorted((a, b) => a.y - b.y);
  for (let i = 1; i < names.length; i++) {
    const [above, here] = [names[i - 1], names[i]] as [{ y: number }, { y: number }];
    here.y = Math.max(here.y, above.y + nameHeight);
  }
  for (let i = names.length - 1, limit = height; i >= 0; i--, limit -= nameHeight) {
    const here = names[i] as { y: number };
    here.y = Math.min(here.y, limit);
    limit = here.y;
  }
  return names;
}
