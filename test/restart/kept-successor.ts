// Comes after kept-workload was killed: every process that was started has to have its exit and its output.
// Arguments: root, journal, output. Prints a KeptReport as JSON.
import { readFileSync } from 'node:fs';
import { type ContainerProcess, DobbyRunC } from '../../src/index';
import { textOf } from '../helpers/containers';
import { runtime } from '../helpers/environment';
import { fileOf, type KeptEntry, workOf } from './kept-work';

export interface KeptReport {
  started: number;
  /** Exits that the killed process was told. */
  toldBefore: number;
  /** Exits by who told the successor. */
  toldAfter: Record<string, number>;
  /** Exec'd processes that were still there when their init ended. */
  endedWithInit: number;
  outputBytes: number;
  faults: string[];
}

const [root = '', journal = '', output = ''] = process.argv.slice(2);
const report: KeptReport = {
  started: 0,
  toldBefore: 0,
  toldAfter: {},
  endedWithInit: 0,
  outputBytes: 0,
  faults: [],
};

function readEntries(): Map<string, KeptEntry> {
  const entries = new Map<string, KeptEntry>();
  for (const line of readFileSync(journal, 'utf8').split('\n')) {
    if (!line.endsWith('}')) continue;
    const entry = JSON.parse(line) as KeptEntry;
    entries.set(`${entry.id} ${entry.pid}`, entry);
  }
  return entries;
}

async function check(process: ContainerProcess, entry: KeptEntry): Promise<void> {
  const { number } = entry;
  const { code, toFile } = workOf(number);
  if (!toFile && !process.stdout) {
    report.faults.push(`${entry.id} ${entry.pid}: no stdout`);
    return;
  }
  const text = toFile ? null : textOf(process.stdout);
  const status = await process.exited;
  const what = `${entry.id} ${entry.isInit ? 'init' : 'exec'} ${entry.pid}, number ${number}`;
  report.toldAfter[status.source] = (report.toldAfter[status.source] ?? 0) + 1;
  const rest = (await text) ?? readFileSync(fileOf(output, number), 'latin1');
  // An init that ends takes the others with it (pid_namespaces(7)).
  if (!entry.isInit && status.signal === 'SIGKILL') {
    report.endedWithInit++;
    report.outputBytes += rest.length;
    if (!workOf(number).output.startsWith(rest)) report.faults.push(`${what}: wrong output`);
    return;
  }
  if (status.code !== code)
    report.faults.push(`${what}: ended with ${status.code} ${status.signal} by ${status.source}`);
  checkOutput(number, rest, what);
}

function checkOutput(number: number, text: string, what: string): void {
  const expected = workOf(number).output;
  report.outputBytes += text.length;
  if (text !== expected)
    report.faults.push(`${what}: ${text.length} bytes of output, not ${expected.length}`);
}

async function main(): Promise<void> {
  const dobby = new DobbyRunC({ runtime, root });
  const listed = await dobby.list();
  const entries = readEntries();
  report.started = entries.size;
  const found = new Map<string, ContainerProcess>();
  for (const { id, status } of listed) {
    const processes = [await dobby.adopt(id), ...(await dobby.adoptExecs(id))];
    for (const each of processes) found.set(`${id} ${each.pid}`, each);
    // Made, and never started: nothing will come of it.
    if (status === 'created') await dobby.destroy(id, { force: true });
  }
  await Promise.all(
    [...entries].map(async ([key, entry]) => {
      if (entry.step === 'told') {
        report.toldBefore++;
        if (entry.code === null && !entry.isInit) {
          report.endedWithInit++;
          return;
        }
        if (entry.code !== workOf(entry.number).code)
          report.faults.push(`${key}: ${entry.code} was told before`);
        if (workOf(entry.number).toFile)
          checkOutput(entry.number, readFileSync(fileOf(output, entry.number), 'latin1'), key);
        return;
      }
      const process = found.get(key);
      if (process) await check(process, entry);
      else report.faults.push(`${key}, number ${entry.number}: lost`);
    }),
  );
  for (const { id } of listed)
    if ((await dobby.state(id)) !== 'unknown') await dobby.destroy(id, { force: true });
  for (const id of await dobby.leftovers()) await dobby.destroy(id, { force: true });
  await dobby[Symbol.asyncDispose]();
}

void main()
  .catch((error: unknown) => {
    report.faults.push(String((error as Error).stack));
  })
  .finally(() => {
    process.stdout.write(JSON.stringify(report), () => process.exit());
  });
