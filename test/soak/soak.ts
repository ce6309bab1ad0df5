// Mixed operations on many containers for a long time: nothing may be lost and nothing may pile up.
//   node dist/test/soak/soak.js [--cycles 20000] [--seconds 7200] [--containers 50] [--rest 0] [--out docs/soak]
// Ends when the cycles are done or the time is over, whichever is first; --rest: milliseconds between two lives of
// one of the containers, for a run that is to be long and not to take the machine. Needs the environment of a row of the
// runtime matrix (scripts/cgroup-env, DOBBY_TEST_RUNTIME…).
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { DobbyRunC } from '../../src/index';
import { leftOver, newDobby, warmUp } from '../helpers/containers';
import { cgroup, kind, version } from '../helpers/environment';
import { drawCycle, makeBundles } from './cycles';
import { Ledger } from './ledger';
import { plotSamples } from './plot';
import { growth, type Sample, takeSample } from './samples';

// From here on what grows is told from what only fills its place.
const longCycles = 5000;
// A second 'exit' event would come soon after the first; remembering all ids would look like a leak.
const rememberedIds = 5000;

export interface SoakOptions {
  cycles: number;
  seconds: number;
  containers: number;
  sampleMs: number;
  restMs?: number;
}

export interface SoakResult {
  cycles: number;
  seconds: number;
  ledger: Ledger;
  /** 'exit' events of containers, which must be as many as containers were started. */
  exitEvents: number;
  containers: number;
  samples: Sample[];
  left: string[];
}

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const dobby = newDobby();
  const before = await warmUp(dobby);
  const ledger = new Ledger();
  const told = new Set<string>();
  let exitEvents = 0;
  dobby.on('exit', (id) => {
    exitEvents++;
    if (told.has(id)) ledger.fault(`${id}: a second exit event`);
    told.add(id);
    if (told.size > rememberedIds) told.delete(told.values().next().value ?? '');
  });
  const startedMs = performance.now();
  const samples: Sample[] = [];
  let cycles = 0;
  const sampler = setInterval(() => samples.push(takeSample(startedMs, cycles)), options.sampleMs);
  const bundles = await makeBundles();
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < options.cycles && performance.now() - startedMs < options.seconds * 1000) {
      begun++;
      await drawCycle()(dobby, ledger, bundles).catch((error: unknown) => {
        ledger.fault(String((error as Error).stack ?? error));
      });
      cycles++;
      if (options.restMs !== undefined) await delay(options.restMs);
    }
  };
  await Promise.all(Array.from({ length: options.containers }, lane));
  clearInterval(sampler);
  const left = await leftAfter(dobby, before);
  samples.push(takeSample(startedMs, cycles));
  await dobby[Symbol.asyncDispose]();
  return {
    cycles,
    seconds: (performance.now() - startedMs) / 1000,
    ledger,
    exitEvents,
    containers: cycles,
    samples,
    left,
  };
}

async function leftAfter(dobby: DobbyRunC, before: Awaited<ReturnType<typeof warmUp>>): Promise<string[]> {
  const listed = await dobby.list();
  return [...listed.map(({ id, status }) => `container ${id} (${status})`), ...(await leftOver(before))];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '20000' },
      seconds: { type: 'string', default: '7200' },
      containers: { type: 'string', default: '50' },
      rest: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds);
  const result = await soak({
    cycles: Number(values.cycles),
    seconds,
    containers: Number(values.containers),
    ...(values.rest === undefined ? {} : { restMs: Number(values.rest) }),
    sampleMs: Math.min(10_000, Math.max(500, seconds * 2)),
  });
  const { ledger, samples, ...rest } = result;
  const summary = {
    runtime: `${kind} ${version}, cgroup ${cgroup}`,
    node: process.version,
    ...rest,
    ...ledger.summary(),
  };
  console.log(JSON.stringify(summary, null, 2));
  if (values.out !== undefined) {
    writeFileSync(`${values.out}.json`, `${JSON.stringify({ ...summary, samples }, null, 1)}\n`);
    const title = `${kind} ${version}: ${result.cycles} cycles on ${values.containers} containers, ${ledger.starts} processes`;
    writeFileSync(`${values.out}.svg`, plotSamples(title, samples));
  }
  const grown = result.cycles >= longCycles ? growth(samples) : [];
  for (const line of grown) console.error(`not flat: ${line}`);
  process.exitCode = ledger.faults.length + result.left.length + grown.length > 0 ? 1 : 0;
}

if (require.main === module) void main();
