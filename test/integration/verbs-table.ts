import fs from 'node:fs';
import path from 'node:path';
import type { Container, DobbyRunC, RuntimeError } from '../../src/index';
import { newBundle, newId, until } from '../helpers/containers';

export const states = ['created', 'running', 'paused', 'stopped', 'half-made', 'not there'] as const;
export type State = (typeof states)[number];

/** Each with a time limit: what waits for ever is told by it. */
export const verbs: ReadonlyArray<[string, (dobby: DobbyRunC, id: string) => Promise<unknown>]> = [
  ['start', (dobby, id) => dobby.start(id, limit)],
  ['killCont SIGTERM', (dobby, id) => dobby.killCont(id, 'SIGTERM', limit)],
  ['killCont SIGKILL', (dobby, id) => dobby.killCont(id, 'SIGKILL', limit)],
  ['pause', (dobby, id) => dobby.pause(id, limit)],
  ['resume', (dobby, id) => dobby.resume(id, limit)],
  ['exec', (dobby, id) => dobby.exec(id, ['/bin/true'], limit)],
  ['state', (dobby, id) => dobby.state(id, limit)],
  ['stop', (dobby, id) => dobby.stop(id, { ...limit, graceMs: 20 })],
  ['wait', (dobby, id) => dobby.wait(id, { timeoutMs: 100 })],
  ['adopt', (dobby, id) => dobby.adopt(id, limit)],
  ['destroy', (dobby, id) => dobby.destroy(id, limit)],
  ['destroy, force', (dobby, id) => dobby.destroy(id, { ...limit, force: true })],
];

const limit = { timeoutMs: 5000 };

/** A container whose program ignores SIGTERM, as the first process of a pid namespace does unless it handles it. */
export async function inState(dobby: DobbyRunC, state: State): Promise<string> {
  const id = newId('verb');
  if (state === 'not there') return id;
  if (state === 'half-made') {
    fs.mkdirSync(path.join(dobby.getWorkingDir(), id), { recursive: true, mode: 0o700 });
    return id;
  }
  const container = await dobby.create(id, await newBundle(['/bin/sleep', '1000']));
  if (state === 'created') return id;
  await container.start();
  await runs(container);
  if (state === 'paused') await container.pause();
  if (state === 'stopped') {
    await container.kill('SIGKILL');
    await container.exited;
  }
  return id;
}

async function runs({ pid }: Container): Promise<void> {
  await until(() => fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('/bin/sleep'));
}

/** What comes of a verb: the state that the container is in then, or the code. */
export async function outcomeOf(
  dobby: DobbyRunC,
  verb: (typeof verbs)[number][1],
  id: string,
): Promise<string> {
  try {
    await verb(dobby, id);
  } catch (error) {
    return `\`${(error as RuntimeError).code}\``;
  }
  // A signal that was sent has still to be acted on.
  let after = await stateOf(dobby, id);
  for (let looks = 0; looks < 10; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    after = await stateOf(dobby, id);
  }
  return after;
}

async function stateOf(dobby: DobbyRunC, id: string): Promise<string> {
  const state = await dobby.state(id).catch((error: RuntimeError) => `\`${error.code}\``);
  return state === 'unknown' ? 'gone' : state;
}

/** The cell of docs/verbs.md for this row: 'crun v1 …; crun v2 …; runc …' where they differ. */
export function expectedIn(
  docs: string,
  verb: string,
  state: State,
  row: { kind: string; cgroup: string },
): string {
  const line = docs.split('\n').find((each) => each.startsWith(`| ${verb} |`));
  const cell = line?.split('|')[states.indexOf(state) + 2]?.trim() ?? '';
  for (const part of cell.split('; ')) {
    const [, kind, cgroup, outcome] = /^(crun|runc)(?: (v[12]))? (.*)$/.exec(part) ?? [];
    if (kind === undefined) return part;
    if (kind === row.kind && (cgroup === undefined || cgroup === row.cgroup)) return outcome ?? '';
  }
  return '';
}
