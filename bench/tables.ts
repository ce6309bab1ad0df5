import type { Answer, Figure } from './results';
import { paramsText } from './results';
import { digits, format, scaleOf, unitOf } from './units';

export interface Row {
  label: string;
  /** Whose row it is; null where the contestants go across. */
  contestant: string | null;
  cells: Array<Figure | null>;
}

/** A table of an answer. */
export interface Table {
  title: string;
  columns: string[];
  rows: Row[];
  /** What the cells show. */
  statistic: 'p50' | 'p99';
}

type Names = Readonly<Record<string, string>>;

/** What tells a figure's column, its row and its table. */
interface Layout {
  column: (figure: Figure) => string;
  columnTitle: (key: string) => string;
  row: (figure: Figure) => string;
  table: (figure: Figure) => string;
}

function layoutOf(answer: Answer, names: Names): Layout {
  const { across, measures } = answer;
  const titleOf = (name: string) => measures.find((measure) => measure.name === name)?.title ?? name;
  const nameOf = (contestant: string) => names[contestant] ?? contestant;
  if (across === 'measures') {
    return {
      column: ({ measure }) => measure,
      columnTitle: titleOf,
      row: ({ contestant }) => nameOf(contestant),
      table: ({ params }) => paramsText(params),
    };
  }
  if (across === 'contestants') {
    return {
      column: ({ contestant }) => contestant,
      columnTitle: nameOf,
      row: ({ params }) => Object.values(params).join(', '),
      table: ({ measure }) => titleOf(measure),
    };
  }
  return {
    column: ({ params }) => String(params[across]),
    columnTitle: (key) => `${across} ${key}`,
    row: ({ contestant }) => nameOf(contestant),
    table: ({ measure, params }) => {
      const { [across]: _, ...rest } = params;
      return [titleOf(measure), paramsText(rest)].filter(Boolean).join(', ');
    },
  };
}

function groupBy(figures: readonly Figure[], keyOf: (figure: Figure) => string): Map<string, Figure[]> {
  const groups = new Map<string, Figure[]>();
  for (const figure of figures) groups.set(keyOf(figure), [...(groups.get(keyOf(figure)) ?? []), figure]);
  return groups;
}

/** An answer's tables, in the order of its measures; one more for what has a tail. */
export function tablesOf(answer: Answer, names: Names): Table[] {
  const { measures } = answer;
  const layout = layoutOf(answer, names);
  const orderOf = ({ measure }: Figure) => measures.findIndex(({ name }) => name === measure);
  const figures = answer.figures.toSorted((a, b) => orderOf(a) - orderOf(b));
  const hasTail = ({ measure }: Figure) => measures.some(({ name, tail }) => name === measure && tail);
  return [...groupBy(figures, layout.table)].flatMap(([title, group]) => {
    const tail = group.filter(hasTail);
    const tables = [tableOf(layout, group, title, 'p50')];
    return tail.length > 0 ? [...tables, tableOf(layout, tail, title, 'p99')] : tables;
  });
}

function tableOf(layout: Layout, figures: Figure[], title: string, statistic: 'p50' | 'p99'): Table {
  const columns = [...groupBy(figures, layout.column).keys()];
  const rows = [...groupBy(figures, layout.row)].map(([label, group]): Row => {
    const contestants = new Set(group.map(({ contestant }) => contestant));
    return {
      label,
      contestant: contestants.size === 1 ? (group[0]?.contestant ?? null) : null,
      cells: columns.map((key) => group.find((figure) => layout.column(figure) === key) ?? null),
    };
  });
  return { title, statistic, columns: columns.map(layout.columnTitle), rows };
}

/** '2.41 ±0.05 ms': the median and half the distance from p25 to p75. */
export function cellText(answer: Answer, figure: Figure | null, statistic: 'p50' | 'p99'): string {
  if (!figure) return '–';
  const unit = unitOf(answer.measures, figure.measure);
  if (statistic === 'p99' || figure.samples === 1) return format(unit, figure[statistic]);
  const [size, name] = scaleOf(unit, figure.p50);
  const spread = (figure.p75 - figure.p25) / 2;
  const rounded = digits(figure.p50 / size);
  const decimals = rounded.split('.')[1]?.length ?? 0;
  return `${rounded} ±${(spread / size).toFixed(decimals)} ${name}`.trim();
}
