import type { Change } from '../compare';
import type { Measure } from '../question';
import type { Answer, Figure, Results } from '../results';
import { median } from '../statistics';
import { type Table, tablesOf } from '../tables';
import { format, scaleOf, unitOf } from '../units';
import { type Bar, barPanel } from './bar-panel';
import { type ChangeBar, changePanel } from './change-panel';
import type { Panel } from './frame';
import { type Line, linePanel } from './line-panel';
import { color } from './theme';

export const pageWidth = 1060;
const halfWidth = 521;

/** An answer's panels: growth where the question is about growth, bars otherwise. */
export function panelsOf(answer: Answer, results: Results): Panel[] {
  const growth = answer.growth;
  const grows = growth !== undefined && new Set(answer.figures.map(({ params }) => params[growth])).size > 1;
  return grows ? growthPanels(answer, results, growth) : barPanels(answer, results);
}

function growthPanels(answer: Answer, results: Results, growth: string): Panel[] {
  return tablesOf(answer, results.contestants)
    .filter(({ statistic }) => statistic === 'p50')
    .flatMap((table) => {
      const measure = measureOf(answer, table);
      const lines = table.rows
        .map(({ label, contestant, cells }) => lineOf(label, contestant ?? '', growth, cells))
        .filter(({ points }) => points.length > 0);
      // A logarithmic axis has no place for a nought; such measures are in the tables.
      if (!measure || lines.length === 0) return [];
      const middle = median(lines.flatMap(({ points }) => points.map(({ value }) => value)));
      const [size, unit] = scaleOf(measure.unit, middle);
      const scaled = lines.map((line) => ({
        ...line,
        points: line.points.map((point) => scalePoint(point, size)),
      }));
      return linePanel(
        [table.title, unit].filter(Boolean).join(', '),
        axisNames[growth] ?? growth,
        scaled,
        halfWidth,
      );
    });
}

const axisNames: Record<string, string> = {
  heapMb: 'heap, MB (logarithmic)',
  inFlight: 'containers in flight (logarithmic)',
  live: 'live processes (logarithmic)',
  containers: 'containers (logarithmic)',
};

function measureOf(answer: Answer, table: Table): Measure | undefined {
  const figure = table.rows.flatMap(({ cells }) => cells).find((cell) => cell !== null);
  return answer.measures.find(({ name }) => name === figure?.measure);
}

function lineOf(
  label: string,
  contestant: string,
  growth: string,
  cells: ReadonlyArray<Figure | null>,
): Line {
  const points = cells
    .filter((cell) => cell !== null)
    .filter(({ p25 }) => p25 > 0)
    .map(({ params, p25, p50, p75 }) => ({ x: Number(params[growth]), value: p50, low: p25, high: p75 }));
  return { label, contestant, points };
}

function scalePoint<T extends { value: number; low: number; high: number }>(point: T, size: number): T {
  return { ...point, value: point.value / size, low: point.low / size, high: point.high / size };
}

function barPanels(answer: Answer, results: Results): Panel[] {
  return tablesOf(answer, results.contestants)
    .filter(({ statistic }) => statistic === 'p50')
    .flatMap((table) =>
      table.columns.flatMap((column, index) => {
        const figures = table.rows.flatMap(({ label, cells }) => {
          const figure = cells[index];
          return figure ? { ...figure, label } : [];
        });
        // Nothing but noughts is said in the table.
        if (figures.every(({ p75 }) => p75 === 0)) return [];
        const title = [column, table.title].filter(Boolean).join(', ');
        return barPanelOf(answer, title, figures);
      }),
    );
}

/** Bars of some figures of one measure. */
export function barPanelOf(
  answer: Answer,
  title: string,
  figures: ReadonlyArray<Figure & { label: string }>,
): Panel {
  const unit = unitOf(answer.measures, figures[0]?.measure ?? '');
  const [size, unitName] = scaleOf(unit, Math.max(...figures.map(({ p50 }) => p50)));
  const bars = figures.map(
    ({ label, contestant, p25, p50, p75 }): Bar => ({
      label,
      color: color(contestant),
      value: p50 / size,
      low: p25 / size,
      high: p75 / size,
      text: format(unit, p50),
    }),
  );
  return barPanel(title, unitName, bars, halfWidth);
}

/** Before and after, one panel per question. */
export function changePanels(changes: readonly Change[], results: Results): Panel[] {
  return results.answers.flatMap((answer) => {
    const bars = changes
      .filter(({ question, factor }) => question === answer.name && Number.isFinite(factor) && factor > 0)
      // What did not change is of interest for the usual settings only.
      .filter(({ verdict, contestant }) => verdict !== 'same' || contestant === 'dobby')
      .filter(({ before, after }) => before.p50 !== 0 || after.p50 !== 0)
      .map(
        ({ title, contestant, before, after, factor, verdict }): ChangeBar => ({
          label: `${title}, ${contestant}`,
          factor,
          verdict,
          text: `${format(unitOf(answer.measures, after.measure), before.p50)} → ${format(unitOf(answer.measures, after.measure), after.p50)}`,
        }),
      );
    return bars.length === 0 ? [] : changePanel(answer.asks, bars, pageWidth);
  });
}
