import { axisHeight, axisStyle, type Margin, textWidth, titleHeight } from './frame';
import { color, fontFamily } from './theme';

/** What every horizontal bar has: its name on the left and its figure on the right. */
export interface Labelled {
  label: string;
  text: string;
}

/** Room for the names and the figures. */
export function barMargin(bars: readonly Labelled[]): Margin {
  return {
    left: textWidth(bars.map(({ label }) => label)) + 12,
    right: textWidth(bars.map(({ text }) => text)) + 14,
    top: titleHeight,
    bottom: axisHeight,
  };
}

/** The names. */
export const barNameAxis = {
  scale: 'y',
  orient: 'left',
  ticks: false,
  domain: false,
  ...axisStyle,
  labelColor: color('ink'),
  labelLimit: 600,
  labelOverlap: false,
};

/** From `start` to a field of the data, in each one's colour. */
export function barMark(data: string, start: number, field: string): object {
  return {
    type: 'rect',
    from: { data },
    encode: {
      enter: {
        x: { scale: 'x', value: start },
        x2: { scale: 'x', field },
        y: { scale: 'y', field: 'label' },
        height: { scale: 'y', band: 1 },
        fill: { field: 'color' },
      },
    },
  };
}

/** The figures; `x` and `dx` say where. */
export function barTextMark(data: string, x: object, dx: number, fontSize: number): object {
  return {
    type: 'text',
    from: { data },
    encode: {
      enter: {
        x,
        dx: { value: dx },
        y: { scale: 'y', field: 'label', band: 0.5 },
        text: { field: 'text' },
        baseline: { value: 'middle' },
        font: { value: fontFamily },
        fontSize: { value: fontSize },
        fill: { value: color('ink') },
      },
    },
  };
}
