import { type Step, steps } from './operations';
import { runtimeFaults } from './runtime-faults';
import { systemFaults } from './system-faults';

const begin = '<!-- The tables below are made by scripts/errors-table.ts from test/faults. -->';

/** docs/errors.md with its tables made anew from the tests' definitions. */
export function withTables(text: string): string {
  const at = text.indexOf(begin);
  if (at < 0) throw new Error(`docs/errors.md: there is no line '${begin}'`);
  return `${text.slice(0, at)}${begin}\n\n${tables()}`;
}

function tables(): string {
  return `### What the runtime can do wrong

Each is made to happen by a stand-in runtime (test/faults/runtime.test.ts). '–': this operation has no such step.
'succeeds': nobody but the runtime could tell that anything was wrong.

${table(
  runtimeFaults.map(({ name, outcomes }) => [
    `The runtime ${name.replace(/^with a terminal: /, '(with a terminal) ')}`,
    (step) => (step in outcomes ? (outcomes[step] ?? 'succeeds') : '–'),
  ]),
)}
### System calls of this package that fail

Each is made to fail at every place where the operation makes one, one place after the other
(test/faults/injected.test.ts). An operation that has a second way succeeds.

${table(
  systemFaults.map(({ name, errno, steps: where, codes }) => [
    `${name.charAt(0).toUpperCase()}${name.slice(1)} (${errno})`,
    (step) => (where.includes(step) ? codes.join(' or ') : '–'),
  ]),
)}`;
}

function table(rows: ReadonlyArray<[string, (step: Step) => string]>): string {
  const lines = [
    `| fault | ${steps.join(' | ')} |`,
    `|---|${steps.map(() => '---|').join('')}`,
    ...rows.map(([name, codeAt]) => `| ${name} | ${steps.map((step) => short(codeAt(step))).join(' | ')} |`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Without the part that all codes have in common: the table is wide enough. */
function short(code: string): string {
  return code.replaceAll('ERR_', '');
}
