import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Beside the source, not beside what is built of it. */
const kFile = path.join(__dirname, '../../../test/command-line/failure-table.json');

/** By case, by what was said: the rows ('crun-1.8.1-v1 crun-1.21-v1') whose runtime says it. */
export type FailureTable = Record<string, Record<string, string>>;

export function readTable(): FailureTable {
  return JSON.parse(readFileSync(kFile, 'utf8')) as FailureTable;
}

export function rowsOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(' ').filter((row) => row !== '');
}

/** Replaces what the table has of one row. */
export function writeRow(row: string, said: ReadonlyMap<string, string>): void {
  const table = readTable();
  for (const [name, words] of said) table[name] = { [words]: '', ...table[name] };
  const made = Object.entries(table).map(([name, words]): [string, Record<string, string>] => {
    const kept = Object.entries(words).map(([each, text]): [string, string] => {
      const others = rowsOf(text).filter((other) => other !== row);
      const rows = said.get(name) === each ? [...others, row] : others;
      return [each, rows.toSorted().join(' ')];
    });
    return [
      name,
      Object.fromEntries(kept.filter(([, rows]) => rows !== '').toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ];
  });
  const filled = made.filter(([, words]) => Object.keys(words).length > 0);
  writeFileSync(kFile, `${JSON.stringify(Object.fromEntries(filled), null, 2)}\n`);
}

export interface Own {
  readonly ids: readonly string[];
  readonly root: string;
}

/** What was said without what differs from run to run. */
export function normalize(words: string, { ids, root }: Own): string {
  let text = words.replaceAll(root, '<root>');
  for (const id of ids) if (id.length > 12) text = text.replaceAll(id, '<id>');
  return text
    .replaceAll(/nobody-[0-9a-f]{10}/g, '<id>')
    .replaceAll(/\/[^\s`'":]*\/dobby-(rootfs|bundle)-\w+/g, '<$1>')
    .replace(/ \('npx dobby-runc doctor'.*\)$/, '')
    .replaceAll(/\/proc\/\d+/g, '/proc/<pid>')
    .replaceAll(/\b(pid |process |starting child process )\d+/g, '$1<pid>');
}
