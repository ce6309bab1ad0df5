import { openContainerDriver } from './contestants/container-drivers';
import { ourSpawns } from './contestants/index';
import { expectSuccess } from './contestants/process-driver';
import { openProcessDriver } from './contestants/process-drivers';
import { type Load, loads, startLoad } from './load';
import { runtimeFor } from './machine';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { oneCycle } from './question-cycle';
import { add, timed } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

export const contention: Question = {
  name: 'contention',
  asks: 'What is left of it in a busy process?',
  how:
    "'pool': more key derivations than the libuv thread pool has threads, all the time; 'loop': the event loop is " +
    'busy for 2 ms of every 4.',
  measures: [
    { name: 'exit', title: 'spawn to exit event', unit: 'ns', better: 'lower', tail: true },
    { name: 'state', title: 'state', unit: 'ns', better: 'lower', tail: true },
    { name: 'cycle', title: 'whole cycle', unit: 'ns', better: 'lower', tail: true },
  ],
  across: 'load',
  cases: (scale: Scale) =>
    loads.map((load) => ({
      params: { load },
      contestants: ['spawn', 'execa', 'dobby', ...ourSpawns],
      rounds: pick(scale, { smoke: 1, quick: 2, full: 3 }),
      samples: pick(scale, { smoke: 1, quick: 8, full: 20 }),
      warmup: pick(scale, { smoke: 0, quick: 1, full: 2 }),
    })),
  run: measureContention,
};

async function measureContention(job: Job): Promise<Samples> {
  const samples: Samples = {};
  const measures = (ourSpawns as readonly string[]).includes(job.contestant)
    ? [measureSpawn]
    : [measureSpawn, measureContainer];
  const stop = startLoad(job.params.load as Load);
  try {
    for (const measure of measures) await measure(job, samples);
  } finally {
    await stop();
  }
  return samples;
}

async function measureSpawn(job: Job, samples: Samples): Promise<void> {
  const driver = await openProcessDriver(job.contestant);
  for (let i = -job.warmup; i < job.samples * 2; i++) {
    const ns = await timed(async () => {
      const started = await driver.start('/bin/true', []);
      expectSuccess(await started.exited, '/bin/true');
    });
    if (i >= 0) add(samples, 'exit', ns);
  }
}

async function measureContainer(job: Job, samples: Samples): Promise<void> {
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const driver = await openContainerDriver(job.contestant, { runtime, root });
  const prefix = `l${process.pid}-${job.serial}-`;
  const bundle = bundleFor(job.workspace, { args: ['/probe', 'byte'] });
  for (let i = -job.warmup; i < job.samples; i++) {
    const { cycleNs } = await oneCycle(driver, `${prefix}${i + job.warmup}`, bundle);
    if (i >= 0) add(samples, 'cycle', cycleNs);
  }
  const asleep = `${prefix}asleep`;
  const container = await driver.create(asleep, bundleFor(job.workspace, { args: ['/probe', 'sleep'] }), {
    stdout: 'ignore',
  });
  await driver.start(asleep);
  for (let i = -job.warmup; i < job.samples; i++) {
    const ns = await timed(() => driver.state(asleep));
    if (i >= 0) add(samples, 'state', ns);
  }
  await driver.kill(asleep);
  await container.exited;
  await driver.destroy(asleep);
  await driver.close();
}
