import { type Answer, paramsText, type Results } from '../results';
import { cellText, type Table, tablesOf } from '../tables';
import { conditionsText, noiseText } from '../terminal';

/** All figures of a run as a Markdown page; plots lie in `plots`, a path from the page. */
export function markdownPage(results: Results, plots: string, source: string): string {
  const parts = [
    '# Figures',
    `Made by \`npm run bench:report -- --docs\` from \`${source}\`; not to be edited by hand. ` +
      '[performance.md](performance.md) says what they mean.',
    `\`\`\`text\n${conditionsText(results)}\n\`\`\``,
    'Cells are medians, ± half the distance from p25 to p75. All contestants of a question were measured in turns, in one run.',
    ...results.answers.map((answer) => markdownAnswer(answer, results, plots)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function markdownAnswer(answer: Answer, results: Results, plots: string): string {
  const absences = answer.absences.map(
    ({ contestant, params, reason }) =>
      `- ${results.contestants[contestant] ?? contestant} (${paramsText(params)}): ${reason}`,
  );
  return [
    `## ${answer.asks}`,
    answer.how,
    `![${answer.asks}](${plots}/${answer.name}.svg)`,
    ...tablesOf(answer, results.contestants).map((table) => markdownTable(answer, table)),
    ...(absences.length > 0 ? [[...new Set(absences)].join('\n')] : []),
    `*${noiseText(answer)}*`,
  ].join('\n\n');
}

export function markdownTable(answer: Answer, table: Table): string {
  const heading = [table.title, table.statistic === 'p99' ? 'p99' : ''].filter(Boolean).join(', ');
  const head = `| ${[heading || ' ', ...table.columns].join(' | ')} |`;
  const line = `| --- |${' ---: |'.repeat(table.columns.length)}`;
  const rows = table.rows.map(({ label, cells }) => {
    return `| ${[label, ...cells.map((cell) => cellText(answer, cell, table.statistic))].join(' | ')} |`;
  });
  return [head, line, ...rows].join('\n');
}
