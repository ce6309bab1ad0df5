import { color, fontFamily } from './theme';

/** A drawing to be rendered, with its size. */
export interface Panel {
  spec: object;
  width: number;
  height: number;
}

export const titleHeight = 26;
export const axisHeight = 40;
/** An average character of the label font; exact enough for a margin. */
const characterWidth = 7.3;

export function textWidth(labels: readonly string[]): number {
  return Math.ceil(Math.max(0, ...labels.map((label) => label.length)) * characterWidth);
}

export const axisStyle = {
  labelColor: color('muted'),
  titleColor: color('muted'),
  labelFont: fontFamily,
  titleFont: fontFamily,
  labelFontSize: 11,
  titleFontSize: 11,
  titleFontWeight: 'normal',
  gridColor: color('grid'),
  domainColor: color('grid'),
  tickColor: color('grid'),
  labelOverlap: 'greedy',
};

export function frame(size: { width: number; height: number }, margin: Margin): object {
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    autosize: 'none',
    width: size.width - margin.left - margin.right,
    height: size.height - margin.top - margin.bottom,
    padding: margin,
  };
}

export interface Margin {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** A panel's heading, from its left edge on; Vega's own titles know nothing of the margin. */
export function heading(title: string, margin: Margin): object {
  return {
    type: 'text',
    encode: {
      enter: {
        x: { value: 4 - margin.left },
        y: { value: -10 },
        text: { value: title },
        font: { value: fontFamily },
        fontSize: { value: 13 },
        fontWeight: { value: 600 },
        fill: { value: color('ink') },
      },
    },
  };
}

/** The powers of ten in a logarithmic axis's domain; with few of those, their doubles and quintuples as well. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const powers: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) powers.push(10 ** power);
  const steps = powers.filter((value) => value >= low).length < 3 ? [1, 2, 5] : [1];
  return powers
    .flatMap((power) => steps.map((step) => Number((power * step).toPrecision(3))))
    .filter((value) => value >= low && value <= high);
}
