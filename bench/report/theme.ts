/**
 * The colours, by name, for light and for dark. Baselines are grey, competitors warm, ours blue; lines differ by
 * dash as well, so that nothing depends on colour alone.
 */
const palette: Record<string, readonly [light: string, dark: string]> = {
  paper: ['#ffffff', '#0d1117'],
  ink: ['#1f2328', '#e6edf3'],
  muted: ['#59636e', '#9198a1'],
  grid: ['#d8dee4', '#30363d'],
  'c-path': ['#57606a', '#a8b1bb'],
  'c-memfd': ['#8c959f', '#7d8590'],
  spawn: ['#d9730d', '#f0883e'],
  execFile: ['#b08800', '#e3b341'],
  execa: ['#c4322c', '#ff7b72'],
  'node-pty': ['#8250df', '#bc8cff'],
  'dobby-path': ['#77aee0', '#3d6ea8'],
  'dobby-cli': ['#2f81d0', '#5296de'],
  dobby: ['#033d8b', '#a5d6ff'],
  'dobby-thread': ['#033d8b', '#a5d6ff'],
  'dobby-onread': ['#0f8f83', '#56d4c4'],
  'dobby-uncached': ['#2f81d0', '#5296de'],
  'dobby-loop': ['#0f8f83', '#56d4c4'],
  worse: ['#c4322c', '#ff7b72'],
  better: ['#1a7f37', '#56d364'],
  same: ['#99a3ad', '#6b747e'],
};

export const fontFamily =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/** As drawings have it: the plain colour for light paper, which every viewer knows. */
export function color(name: string): string {
  const [light] = palette[name] ?? palette.muted ?? ['#6b747e'];
  return light;
}

/** For pages, whose viewers know CSS variables (pageStyle defines them). */
export function pageColor(name: string): string {
  return `var(--${name in palette ? name : 'muted'})`;
}

/** Solid, or how a line is broken. */
export function dashOf(contestant: string): number[] {
  if (contestant.startsWith('c-')) return [2, 3];
  return contestant.startsWith('dobby') ? [] : [7, 3];
}

/**
 * Dark mode, on top of a drawing's plain colours: they are what its shapes are known by. (Names of one light colour have
 * one dark colour, too.) A viewer that knows nothing of it shows the plain ones.
 */
export function drawingStyle(selector: string): string {
  const rules = [...new Map(Object.values(palette))].map(([light, dark]) =>
    ['fill', 'stroke'].map((what) => `${selector} [${what}="${light}"]{${what}:${dark}}`).join(''),
  );
  return `@media (prefers-color-scheme:dark){${rules.join('')}}`;
}

/** Defines the colours of a page, following the reader's preference. */
export function pageStyle(): string {
  const block = (index: 0 | 1) =>
    Object.entries(palette)
      .map(([name, colors]) => `--${name}:${colors[index]}`)
      .join(';');
  return `:root{${block(0)}}@media (prefers-color-scheme:dark){:root{${block(1)}}}`;
}
