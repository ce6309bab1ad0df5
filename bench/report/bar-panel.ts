import { barMargin, barMark, barNameAxis, barTextMark, type Labelled } from './bars';
import { axisStyle, frame, heading, logTicks, type Panel } from './frame';
import { color } from './theme';

/** One bar: a median with its p25–p75 range. Values are in the panel's unit. */
export interface Bar extends Labelled {
  color: string;
  value: number;
  low: number;
  high: number;
}

/** Above this ratio of the largest to the smallest value a bar of the smallest could not be seen. */
const logarithmicAbove = 40;

/** Horizontal bars, one per contestant. */
export function barPanel(title: string, unit: string, bars: readonly Bar[], width: number): Panel {
  const margin = barMargin(bars);
  const height = margin.top + margin.bottom + bars.length * 22;
  const values = bars.flatMap(({ value, low }) => [value, low]).filter((value) => value > 0);
  const largest = Math.max(...bars.map(({ high }) => high));
  const isLog = values.length === bars.length * 2 && largest / Math.min(...values) > logarithmicAbove;
  const start = isLog ? 10 ** Math.floor(Math.log10(Math.min(...values)) - 0.3) : 0;
  const scale = isLog
    ? { name: 'x', type: 'log', domain: [start, largest * 1.05], range: 'width' }
    : { name: 'x', type: 'linear', domain: [0, largest * 1.05 || 1], range: 'width', nice: false };
  const spec = {
    ...frame({ width, height }, margin),
    data: [{ name: 'bars', values: bars }],
    scales: [
      scale,
      { name: 'y', type: 'band', domain: bars.map(({ label }) => label), range: 'height', padding: 0.25 },
    ],
    axes: [
      {
        scale: 'x',
        orient: 'bottom',
        grid: true,
        ...(isLog
          ? { values: logTicks([start, largest * 1.05]), format: ',~g' }
          : { tickCount: Math.max(2, Math.floor((width - margin.left - margin.right) / 60)) }),
        title: isLog ? `${unit} (logarithmic)` : unit,
        ...axisStyle,
      },
      { ...barNameAxis, labelFontSize: 12 },
    ],
    marks: [
      heading(title, margin),
      barMark('bars', start, 'value'),
      spreadMark('bars'),
      barTextMark('bars', { scale: 'x', field: 'high' }, 6, 11.5),
    ],
  };
  return { spec, width, height };
}

/** From p25 to p75, in the middle of its bar. */
function spreadMark(data: string): object {
  return {
    type: 'rule',
    from: { data },
    encode: {
      enter: {
        x: { scale: 'x', field: 'low' },
        x2: { scale: 'x', field: 'high' },
        y: { scale: 'y', field: 'label', band: 0.5 },
        stroke: { value: color('ink') },
        strokeWidth: { value: 2 },
      },
    },
  };
}
