import { barMargin, barMark, barNameAxis, barTextMark, type Labelled } from './bars';
import { axisStyle, frame, heading, logTicks, type Panel } from './frame';
import { color } from './theme';

/**
 * One figure in two runs: after divided by before. Above 1 is worse, whichever way the measure points. Its text is
 * like '2.41 ms → 2.10 ms'.
 */
export interface ChangeBar extends Labelled {
  factor: number;
  verdict: 'worse' | 'better' | 'same';
}

/** Before and after: bars from 1, to the right what got worse, to the left what got better. */
export function changePanel(title: string, changes: readonly ChangeBar[], width: number): Panel {
  const margin = barMargin(changes);
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
      barNameAxis,
    ],
    marks: [
      heading(title, margin),
      barMark('changes', 1, 'factor'),
      barTextMark('changes', { signal: 'width' }, 8, 11),
    ],
  };
  return { spec, width, height };
}
