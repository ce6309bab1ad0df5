import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContainer, ContainerDriver } from './contestants/container-driver';
import { openContainerDriver } from './contestants/container-drivers';
import { openProcessDriver } from './contestants/process-drivers';
import { runtimeFor } from './machine';
import { binaries } from './paths';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { bundleFor, runtimeRoot } from './workspace';

type Kind = 'process' | 'container' | 'container with a pipe';

export const memory: Question = {
  name: 'memory',
  asks: 'What does each live process or container hold in the process that watches it?',
  how:
    'Resident memory and descriptors with many minus with none, after garbage collection, divided by their number. ' +
    'Containers by child_process and execa are not watched unless their output is a pipe.',
  measures: [
    { name: 'memory', title: 'memory each', unit: 'bytes', better: 'lower' },
    { name: 'descriptors', title: 'descriptors each', unit: 'count', better: 'lower' },
  ],
  across: 'kind',
  cases: (scale: Scale) =>
    (['process', 'container', 'container with a pipe'] as const).map((kind) => ({
      params: { kind, count: countOf(kind, scale) },
      contestants: ['spawn', 'execa', 'dobby'],
      rounds: pick(scale, { smoke: 1, quick: 2, full: 2 }),
      samples: 1,
      warmup: 0,
      fresh: true,
    })),
  run: measureMemory,
};

function countOf(kind: Kind, scale: Scale): number {
  return kind === 'process'
    ? pick(scale, { smoke: 5, quick: 500, full: 1000 })
    : pick(scale, { smoke: 2, quick: 30, full: 100 });
}

/** A way of having one more, and of having none again. */
interface Stock {
  add(index: number): Promise<void>;
  clear(): Promise<void>;
}

async function measureMemory(job: Job): Promise<Samples> {
  const kind = job.params.kind as Kind;
  const count = job.params.count as number;
  const stock =
    kind === 'process' ? await processStock(job) : await containerStock(job, kind !== 'container');
  // What the first ones bring (code, pools, the watch itself) is not each one's.
  const warm = Math.min(5, count);
  for (let i = 0; i < warm; i++) await stock.add(i);
  const before = await usage();
  for (let i = warm; i < warm + count; i++) await stock.add(i);
  const after = await usage();
  await stock.clear();
  return {
    memory: [(after.bytes - before.bytes) / count],
    descriptors: [(after.descriptors - before.descriptors) / count],
  };
}

async function usage(): Promise<{ bytes: number; descriptors: number }> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await sleep(50);
  }
  return { bytes: process.memoryUsage.rss(), descriptors: fs.readdirSync('/proc/self/fd').length };
}

async function processStock(job: Job): Promise<Stock> {
  const driver = await openProcessDriver(job.contestant);
  const all: Array<Awaited<ReturnType<typeof driver.start>>> = [];
  return {
    async add() {
      all.push(await driver.start(binaries.probe, ['sleep']));
    },
    async clear() {
      for (const each of all) each.kill();
      await Promise.all(all.map(({ exited }) => exited));
    },
  };
}

async function containerStock(job: Job, piped: boolean): Promise<Stock> {
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const bundle = bundleFor(job.workspace, { args: ['/probe', 'sleep'] });
  const driver: ContainerDriver = await openContainerDriver(job.contestant, { runtime, root });
  const all = new Map<string, BenchContainer>();
  return {
    async add(index) {
      const id = `m${process.pid}-${job.serial}-${index}`;
      const container = await driver.create(id, bundle, { stdout: piped ? 'pipe' : 'ignore' });
      container.output?.resume();
      await driver.start(id);
      all.set(id, container);
    },
    async clear() {
      for (const [id, container] of all) {
        await driver.kill(id);
        await container.exited;
        await driver.destroy(id);
      }
      await driver.close();
    },
  };
}
