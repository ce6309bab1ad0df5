import { setTimeout as sleep } from 'node:timers/promises';
import { isBaseline, runBaseline } from './contestants/baseline';
import { openContainerDriver } from './contestants/container-drivers';
import { ourSpawns } from './contestants/index';
import { expectSuccess } from './contestants/process-driver';
import { openProcessDriver } from './contestants/process-drivers';
import { runtimeFor } from './machine';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add, LoopWatch, nowNs } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

const processContestants = ['c-path', 'spawn', 'execa', ...ourSpawns];
const containerContestants = ['spawn', 'execa', 'dobby'];

export const loopBlock: Question = {
  name: 'loop-block',
  asks: 'How long does one spawn or one create block the event loop, and what does it cost a large heap?',
  how:
    'The longest time between two turns of an otherwise idle loop during one spawn of /bin/true or one create; the ' +
    'heap is made of touched pages outside V8. Then the tax: one more spawn, and writing once to every page of it.',
  measures: [
    { name: 'spawn', title: 'loop blocked by one spawn', unit: 'ns', better: 'lower' },
    { name: 'create', title: 'loop blocked by one create', unit: 'ns', better: 'lower' },
    { name: 'tax', title: 'writing to every page after a spawn', unit: 'ns', better: 'lower' },
    { name: 'faults', title: 'page faults of that', unit: 'count', better: 'lower' },
  ],
  across: 'heapMb',
  growth: 'heapMb',
  cases: (scale: Scale) =>
    pick(scale, { smoke: [50], quick: [50, 500, 2048], full: [50, 500, 2048, 4096] }).map((heapMb) => ({
      params: { heapMb },
      contestants: [...new Set([...processContestants, ...containerContestants])],
      // The large ones take seconds to fill, and their differences are far above the noise.
      rounds: heapMb >= 2048 ? 1 : pick(scale, { smoke: 1, quick: 2, full: 3 }),
      samples: pick(scale, { smoke: 1, quick: 4, full: heapMb >= 2048 ? 10 : 8 }),
      warmup: pick(scale, { smoke: 0, quick: 1, full: 2 }),
      fresh: true,
      nodeArguments: [`--max-old-space-size=${Math.max(1024, heapMb)}`],
      timeLimitMs: 240_000,
    })),
  run: measureLoopBlock,
};

const pageBytes = 4096;
const chunkMb = 64;

function fillHeap(megabytes: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let left = megabytes; left > 0; left -= chunkMb)
    chunks.push(Buffer.alloc(Math.min(left, chunkMb) << 20));
  writeToEveryPage(chunks);
  return chunks;
}

function writeToEveryPage(chunks: readonly Buffer[]): void {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += pageBytes) chunk[at] = 1;
  }
}

async function measureLoopBlock(job: Job): Promise<Samples> {
  const heapMb = job.params.heapMb as number;
  if (isBaseline(job.contestant)) {
    const options = { count: job.samples, warm: job.warmup, 'heap-mb': heapMb };
    const { blocked = [], tax = [], faults = [] } = await runBaseline('spawn', options, ['/bin/true']);
    return { spawn: blocked, tax, faults };
  }
  const heap = fillHeap(heapMb);
  const samples: Samples = {};
  if (processContestants.includes(job.contestant)) await measureSpawns(job, heap, samples);
  if (containerContestants.includes(job.contestant)) await measureCreates(job, samples);
  return samples;
}

async function measureSpawns(job: Job, heap: readonly Buffer[], samples: Samples): Promise<void> {
  const driver = await openProcessDriver(job.contestant);
  const spawnOne = async () => {
    const started = await driver.start('/bin/true', []);
    expectSuccess(await started.exited, '/bin/true');
  };
  await watchCalls(job, (ns) => add(samples, 'spawn', ns), spawnOne);
  await spawnOne();
  const faults = process.resourceUsage().minorPageFault;
  const start = nowNs();
  writeToEveryPage(heap);
  add(samples, 'tax', nowNs() - start);
  add(samples, 'faults', process.resourceUsage().minorPageFault - faults);
}

async function measureCreates(job: Job, samples: Samples): Promise<void> {
  const runtime = runtimeFor(job.params);
  const bundle = bundleFor(job.workspace, { args: ['/probe', 'sleep'] });
  const driver = await openContainerDriver(job.contestant, {
    runtime,
    root: runtimeRoot(job.workspace, runtime, job.contestant),
  });
  const ids = Array.from(
    { length: job.warmup + job.samples },
    (_, i) => `k${process.pid}-${job.serial}-${i}`,
  );
  const waiting = [...ids];
  await watchCalls(
    job,
    (ns) => add(samples, 'create', ns),
    () => driver.create(waiting.pop() as string, bundle, { stdout: 'ignore' }),
  );
  for (const id of ids) {
    await driver.kill(id);
    // A container that was never started: its exit is nobody's measurement here.
    await sleep(5);
    await driver.destroy(id);
  }
  await driver.close();
}

/** The longest block of every call, after warming up. */
async function watchCalls(
  job: Job,
  report: (ns: number) => void,
  call: () => Promise<unknown>,
): Promise<void> {
  const watch = new LoopWatch();
  for (let i = -job.warmup; i < job.samples; i++) {
    watch.reset();
    await call();
    if (i >= 0) report(watch.longestNs());
    await sleep(1);
  }
  watch.stop();
}
