import { openContainerDriver } from './contestants/container-drivers';
import { lifecycle, verbs, warmUp } from './lifecycle';
import { runtimeFor } from './machine';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add, LoopWatch } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

export const operationBlock: Question = {
  name: 'operation-block',
  asks: 'How long does each operation block the event loop?',
  how:
    'The longest time between two turns of an otherwise idle loop during the operation, in a small process: what a ' +
    'timer of the application would have to wait. The loop turns all the time, so it takes a processor of its own.',
  measures: verbs.map((verb) => ({ name: verb, title: verb, unit: 'ns', better: 'lower' })),
  across: 'measures',
  cases: (scale: Scale, runtimes) =>
    Object.keys(runtimes).map((runtime) => ({
      params: { runtime },
      contestants: ['spawn', 'execa', 'dobby-cli', 'dobby'],
      rounds: pick(scale, { smoke: 1, quick: 2, full: 3 }),
      samples: pick(scale, { smoke: 1, quick: 5, full: 10 }),
      warmup: pick(scale, { smoke: 0, quick: 2, full: 3 }),
    })),
  run: measureBlocks,
};

async function measureBlocks(job: Job): Promise<Samples> {
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const bundle = bundleFor(job.workspace, { args: ['/probe', 'sleep'] });
  const driver = await openContainerDriver(job.contestant, { runtime, root });
  if (job.warmup > 0) await warmUp(driver, `q${process.pid}-${job.serial}-warm`, bundle);
  const samples: Samples = {};
  const watch = new LoopWatch();
  for (let i = -job.warmup; i < job.samples; i++) {
    const id = `q${process.pid}-${job.serial}-${i + job.warmup}`;
    await lifecycle(driver, id, bundle, async (verb, call) => {
      watch.reset();
      const result = await call();
      if (i >= 0) add(samples, verb, watch.longestNs());
      return result;
    });
  }
  watch.stop();
  await driver.close();
  return samples;
}
