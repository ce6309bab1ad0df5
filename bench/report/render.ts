import type { Panel } from './frame';
import { color, drawingStyle, fontFamily } from './theme';

const gap = 18;

/** Panels side by side in rows no wider than `width`, as one SVG that brings its own colours, light and dark. */
export async function renderFigure(title: string, panels: readonly Panel[], width: number): Promise<string> {
  const vega = await import('vega');
  const parts: string[] = [];
  let [x, y, rowHeight, used] = [0, 0, 0, 0];
  for (const panel of panels) {
    if (x > 0 && x + panel.width > width) [x, y, rowHeight] = [0, y + rowHeight + gap, 0];
    const view = new vega.View(vega.parse(panel.spec), { renderer: 'none' });
    parts.push(placed(await view.toSVG(), x, y));
    view.finalize();
    x += panel.width + gap;
    used = Math.max(used, x - gap);
    rowHeight = Math.max(rowHeight, panel.height);
  }
  const [w, h] = [Math.ceil(used), Math.ceil(y + rowHeight)];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" aria-label="${escapeText(title)}" ` +
    `width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"><style>${drawingStyle('.figure')}.figure text{font-family:${fontFamily}}</style>` +
    `<rect width="${w}" height="${h}" fill="${color('paper')}"/>${parts.join('')}</svg>`
  );
}

/** A rendered panel as a part of a larger drawing. */
function placed(svg: string, x: number, y: number): string {
  return (
    svg
      .replace(/<svg [^>]*>/, `<g transform="translate(${x},${y})">`)
      .replace(/<\/svg>$/, '</g>')
      // The figure has one name of its own; of what Vega adds for screen readers, every tick would be read out.
      .replaceAll(/ (aria-[a-z]+|role|pointer-events|class|font-family)="[^"]*"/g, '')
      .replaceAll(/<path d="M[^"]*Z" *\/>/g, '')
  );
}

export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
