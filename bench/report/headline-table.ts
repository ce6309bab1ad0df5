import { contestantNames } from '../contestants/index';
import type { Params } from '../question';
import type { Figure, Results } from '../results';
import { cellText } from '../tables';

interface Column {
  title: string;
  question: string;
  measure: string;
  params: Params;
}

const columns: readonly Column[] = [
  { title: 'create → first output byte', question: 'cycle', measure: 'firstByte', params: { inFlight: 1 } },
  { title: 'create → start → exit → destroy', question: 'cycle', measure: 'cycle', params: { inFlight: 1 } },
  { title: 'start', question: 'operations', measure: 'start', params: { runtime: 'crun' } },
  { title: 'state', question: 'operations', measure: 'state', params: { runtime: 'crun' } },
  { title: 'kill', question: 'operations', measure: 'kill', params: { runtime: 'crun' } },
  {
    title: 'loop blocked by a create, 50 MB heap',
    question: 'loop-block',
    measure: 'create',
    params: { heapMb: 50 },
  },
  { title: 'the same, 2 GB heap', question: 'loop-block', measure: 'create', params: { heapMb: 2048 } },
];

/** One table over several questions: what everybody does with containers, crun. */
export function headlineTable(results: Results): string {
  const contestants = Object.keys(contestantNames).filter((contestant) =>
    columns.some((column) => cellOf(results, column, contestant) !== '–'),
  );
  const lines = [
    `| | ${columns.map(({ title }) => title).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(columns.length)}`,
    ...contestants.map((contestant) => {
      const name = results.contestants[contestant] ?? contestant;
      const label = contestant === 'dobby' ? `**${name}**` : name;
      return `| ${[label, ...columns.map((column) => cellOf(results, column, contestant))].join(' | ')} |`;
    }),
  ];
  return lines.join('\n');
}

function cellOf(results: Results, column: Column, contestant: string): string {
  const answer = results.answers.find(({ name }) => name === column.question);
  const figure = answer?.figures.find(
    (each: Figure) =>
      each.measure === column.measure &&
      each.contestant === contestant &&
      Object.entries(column.params).every(([name, value]) => each.params[name] === value),
  );
  return answer && figure ? cellText(answer, figure, 'p50') : '–';
}
