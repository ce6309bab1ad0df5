import { axisHeight, axisStyle, frame, heading, logTicks, type Panel, textWidth, titleHeight } from './frame';
import { color, fontFamily } from './theme';

/** One figure in two runs: after divided by before. Above 1 is worse, whichever way the measure points. */
export interface ChangeBar {
  label: string;
  factor: number;
  verdict: 'worse' | 'better' | 'same';
  /** '2.41 ms → 2.10 ms' */
  text: string;
}

/** Before and after: bars from 1, to the right what got worse, to the left what got better. */
export function changePanel(title: string, changes: readonly ChangeBar[], width: number): Panel {
  const margin = {
    left: textWidth(changes.map(({ label }) => label)) + 12,
    right: textWidth(changes.map(({ text }) => text)) + 14,
    top: titleHeight,
    bottom: axisHeight,
  };
  const height = margin.top + margin.bottom + changes.length * 20;
  const reach = Math.max(1.1, ...changes.map(({ factor }) => Math.max(factor, 1 / factor))) * 1.05;
  const decades = logTicks([1 / reach, reach]);
  const ticks =
    decades.length >= 3
      ? decades
      : [0.8, 0.9, 1, 1.1, 1.25, 1.5].filter((tick) => tick > 1 / reach && tick < reach);
  const spec = {
    ...frame({ width, height }, margin),
    data: [{ name: 'changes', values: changes.map((each) => ({ ...each, color: color(each.verdict) })) }],
    scales: [
      { name: 'x', type: 'log', domain: [1 / reach, reach], range: 'width' },
      { name: 'y', type: 'band', domain: { data: 'changes', field: 'label' }, range: 'height', padding: 0.3 },
    ],
    axes: [
      {
        scale: 'x',
        orient: 'bottom',
        grid: true,
        values: ticks,
        format: ',~g',
        title: 'after ÷ before; right of 1 is worse',
        ...axisStyle,
      },
      {
        scale: 'y',
        orient: 'left',
        ticks: false,
        domain: false,
        ...axisStyle,
        labelColor: color('ink'),
        labelLimit: 600,
        labelOverlap: false,
      },
    ],
    marks: [
      heading(title, margin),
      {
        type: 'rect',
        from: { data: 'changes' },
        encode: {
          enter: {
            x: { scale: 'x', value: 1 },
            x2: { scale: 'x', field: 'factor' },
            y: { scale: 'y', field: 'label' },
            height: { scale: 'y', band: 1 },
            fill: { field: 'color' },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'changes' },
        encode: {
          enter: {
            x: { signal: 'width' },
            dx: { value: 8 },
            y: { scale: 'y', field: 'label', band: 0.5 },
            text: { field: 'text' },
            baseline: { value: 'middle' },
            font: { value: fontFamily },
            fontSize: { value: 11 },
            fill: { value: color('ink') },
          },
        },
      },
    ],
  };
  return { spec, width, height };
}
