// The process that comes after one that was killed: takes stock, adopts, checks, and removes everything.
// Arguments: root, journal, directory with output files. Prints a Report as JSON.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Container, DobbyRunC } from '../../src/index';
import { until } from '../helpers/containers';
import { runtime } from '../helpers/environment';
import { type Last, readJournal } from './journal';

export interface Report {
  /** Containers by what list() said of them. */
  statuses: Record<string, number>;
  adopted: number;
  /** Exits told of adopted containers, by source. */
  exits: Record<string, number>;
  filesGrown: number;
  pipesContinued: number;
  leftovers: number;
  /** What is not as it has to be. */
  faults: string[];
}

const [root = '', journal = '', output = ''] = process.argv.slice(2);
const report: Report = {
  statuses: {},
  adopted: 0,
  exits: {},
  filesGrown: 0,
  pipesContinued: 0,
  leftovers: 0,
  faults: [],
};
const count = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1;
};

/** The output of the ticker: every number once, in order. `from`: how many bytes of it came before. */
function expectedText(length: number): string {
  let text = '';
  for (let number = 0; text.length < length; number++) text += `${number}\n`;
  return text;
}

async function checkFile(id: string): Promise<void> {
  const file = path.join(output, id);
  const before = statSync(file).size;
  await until(() => statSync(file).size > before + 3, 10_000);
  const text = readFileSync(file, 'latin1');
  if (expectedText(text.length + 10).startsWith(text)) report.filesGrown++;
  else report.faults.push(`${id}: its output file has a gap`);
}

/**
 * The stream goes on where the killed process stopped. What that one had read and not noted yet is lost with it
 * (one chunk at most); nothing else may be.
 */
async function checkPipe(container: Container, { bytes }: Last): Promise<void> {
  const id = container.containerId;
  let text = '';
  container.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  if (!container.stdout) {
    report.faults.push(`${id}: no stdout after adopt`);
    return;
  }
  await until(() => text.length > 10, 10_000);
  const all = expectedText(bytes + text.length + 4096);
  const at = all.indexOf(text.slice(text.indexOf('\n')), Math.max(0, bytes - 1));
  if (at >= 0 && all.startsWith(text.slice(text.indexOf('\n')), at)) report.pipesContinued++;
  else
    report.faults.push(
      `${id}: its stream does not go on: ${bytes} bytes, then ${JSON.stringify(text.slice(0, 40))}`,
    );
}

async function take(dobby: DobbyRunC, id: string, last: Last, kill: boolean): Promise<void> {
  const container = await dobby.adopt(id);
  report.adopted++;
  if (last.step === 'running') {
    if (id.startsWith('file')) await checkFile(id);
    else await checkPipe(container, last);
  }
  if (kill) await container.kill('SIGKILL');
  await container.destroy({ force: true });
  const { source, signal } = await container.exited;
  count(report.exits, source);
  if (source !== 'unobserved' && signal !== 'SIGKILL') report.faults.push(`${id}: ended by ${signal}`);
}

async function main(): Promise<void> {
  const dobby = new DobbyRunC({ runtime, root });
  const listed = await dobby.list();
  const steps = readJournal(journal);
  const ids = new Set(listed.map(({ id }) => id));
  for (const { id, status } of listed) {
    count(report.statuses, status);
    if (!steps.has(id)) report.faults.push(`${id}: listed, and nobody created it`);
    if (steps.get(id)?.step === 'running' && status !== 'running' && status !== 'paused')
      report.faults.push(`${id}: it ran, and is ${status}`);
  }
  for (const [id, { step }] of steps) {
    if (step === 'running' && !ids.has(id)) report.faults.push(`${id}: it ran, and is not listed`);
    if (step === 'gone' && ids.has(id)) report.faults.push(`${id}: it was destroyed, and is listed`);
  }
  for (const { id, status } of listed) if (status === 'paused') await dobby.resume(id);
  await Promise.all(
    listed.map(({ id }, index) =>
      take(dobby, id, steps.get(id) ?? { step: 'creating', bytes: 0 }, index % 2 === 0),
    ),
  );
  for (const id of await dobby.leftovers()) {
    report.leftovers++;
    await dobby.destroy(id, { force: true });
  }
  if ((await dobby.list()).length > 0) report.faults.push('list is not empty in the end');
  await dobby[Symbol.asyncDispose]();
}

void main()
  .catch((error: unknown) => {
    report.faults.push(String((error as Error).stack));
  })
  .finally(() => {
    // What is still watched must not keep a process that has failed.
    process.stdout.write(JSON.stringify(report), () => process.exit());
  });
