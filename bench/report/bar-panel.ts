import { axisHeight, axisStyle, frame, heading, logTicks, type Panel, textWidth, titleHeight } from './frame';
import { color, fontFamily } from './theme';

/** One bar: a median with its p25–p75 range. Values are in the panel's unit. */
export interface Bar {
  label: string;
  color: string;
  value: number;
  low: number;
  high: number;
  text: string;
}

/** Above this ratio of the largest to the smallest value a bar of the smallest could not be seen. */
const logarithmicAbove = 40;

/** Horizontal bars, one per contestant. */
export function barPanel(title: string, unit: string, bars: readonly Bar[], width: number): Panel {
  const margin = {
    left: textWidth(bars.map(({ label }) => label)) + 12,
    right: textWidth(bars.map(({ text }) => text)) + 14,
    top: titleHeight,
    bottom: axisHeight,
  };
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
      {
        scale: 'y',
        orient: 'left',
        ticks: false,
        domain: false,
        ...axisStyle,
        labelColor: color('ink'),
        labelLimit: 400,
        labelFontSize: 12,
        labelOverlap: false,
      },
    ],
    marks: [
      heading(title, margin),
      {
        type: 'rect',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { scale: 'x', value: start },
            x2: { scale: 'x', field: 'value' },
            y: { scale: 'y', field: 'label' },
            height: { scale: 'y', band: 1 },
            fill: { field: 'color' },
          },
        },
      },
      spreadMark('bars'),
      {
        type: 'text',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'high' },
            dx: { value: 6 },
            y: { scale: 'y', field: 'label', band: 0.5 },
            text: { field: 'text' },
            baseline: { value: 'middle' },
            font: { value: fontFamily },
            fontSize: { value: 11.5 },
            fill: { value: color('ink') },
          },
        },
      },
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
