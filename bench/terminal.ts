import type { Answer, Results } from './results';
import { paramsText } from './results';
import { cellText, type Table, tablesOf } from './tables';
import { format } from './units';

const styled = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const bold = (text: string) => (styled ? `\x1b[1m${text}\x1b[22m` : text);
const dim = (text: string) => (styled ? `\x1b[2m${text}\x1b[22m` : text);

/** An answer as text: its tables, what is missing and why, and how noisy the machine was. */
export function answerText(answer: Answer, results: Results): string {
  const lines = ['', bold(answer.asks), dim(answer.how)];
  for (const table of tablesOf(answer, results.contestants)) lines.push('', ...tableLines(answer, table));
  for (const absence of uniqueAbsences(answer)) lines.push(dim(absence));
  lines.push(dim(noiseText(answer)));
  return lines.join('\n');
}

function tableLines(answer: Answer, table: Table): string[] {
  const label = table.statistic === 'p99' ? 'p99' : 'median ±half the p25–p75 range';
  const rows = [
    [bold(table.title), ...table.columns],
    ...table.rows.map(({ label: name, cells }) => [
      name,
      ...cells.map((cell) => cellText(answer, cell, table.statistic)),
    ]),
  ];
  const first = rows[0] as string[];
  first[0] = table.title;
  const widths = first.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row, index) => {
    const text = row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
    return index === 0 ? `${bold(text)}  ${dim(label)}` : text;
  });
}

function uniqueAbsences(answer: Answer): string[] {
  const lines = answer.absences.map(({ contestant, params, reason, failed }) => {
    const where = paramsText(params);
    return `${contestant}${where === '' ? '' : ` (${where})`}: ${failed ? 'FAILED: ' : ''}${reason}`;
  });
  return [...new Set(lines)];
}

export function noiseText(answer: Answer): string {
  const spins = answer.noise.map(({ spin }) => spin);
  if (spins.length === 0) return '';
  const best = Math.min(...spins.map(({ min }) => min));
  const worst = Math.max(...spins.map(({ p50 }) => p50));
  const longest = Math.max(...spins.map(({ max }) => max));
  const stolen = Math.max(...answer.noise.map((each) => each.stolen));
  const load = Math.max(...answer.noise.map((each) => each.load));
  return (
    `noise: a fixed ${format('ns', best)} of arithmetic took ${format('ns', worst)} (median of the worst case), ` +
    `${format('ns', longest)} at most; stolen ${(stolen * 100).toFixed(1)} %; load ${load}; ${answer.seconds} s`
  );
}

export function conditionsText(results: Results): string {
  const { machine } = results;
  return [
    `${machine.cpu}, ${machine.cpus} processors, ${format('bytes', machine.memoryBytes)}`,
    `${machine.distribution}, Linux ${machine.kernel}, cgroup ${machine.cgroup}, huge pages ${machine.hugePages}, state on ${machine.stateOn ?? 'the disk'}${machine.rcuExpedited ? ', RCU expedited' : ''}`,
    `Node ${machine.node}, libuv ${machine.libuv}; ${Object.values(machine.runtimes).join(', ')}`,
    `commit ${machine.commit}, ${results.startedAt}, ${results.scale}`,
  ].join('\n');
}
