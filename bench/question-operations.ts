import { imageOf, isBaseline, runBaseline } from './contestants/baseline';
import { openContainerDriver } from './contestants/container-drivers';
import { baselines, ours } from './contestants/index';
import { lifecycle, usualRepeats, type Verb, verbs, warmUp, warmUpText } from './lifecycle';
import { runtimeFor } from './machine';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add, timed } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

export const operations: Question = {
  name: 'operations',
  asks: 'How long does each operation take?',
  how:
    'One container after another through all of its life, its program asleep; from the call to its answer. State, ' +
    `pause, resume and a signal (SIGCONT) three times in each. ${warmUpText}`,
  measures: verbs.map((verb) => ({ name: verb, title: verb, unit: 'ns', better: 'lower', tail: true })),
  across: 'measures',
  cases: (scale: Scale, runtimes) =>
    Object.keys(runtimes).map((runtime) => ({
      params: { runtime },
      contestants: [...baselines, 'spawn', 'execa', ...ours],
      rounds: pick(scale, { smoke: 1, quick: 3, full: 4 }),
      samples: pick(scale, { smoke: 1, quick: 4, full: 12 }),
      warmup: pick(scale, { smoke: 0, quick: 1, full: 2 }),
    })),
  run: measureOperations,
};

async function measureOperations(job: Job): Promise<Samples> {
  return measureLives(job, verbs, usualRepeats);
}

/** Lives of containers, some of their verbs measured. */
export async function measureLives(job: Job, measured: readonly Verb[], repeats: number): Promise<Samples> {
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const bundle = bundleFor(job.workspace, { args: ['/probe', 'sleep'] });
  const { samples: count, warmup: warm } = job;
  if (isBaseline(job.contestant)) {
    const prefix = `b${job.serial}-`;
    const samples = await runBaseline('lifecycle', {
      runtime,
      image: imageOf(job.contestant),
      root,
      bundle,
      count,
      warm,
      repeats,
      prefix,
    });
    return Object.fromEntries(measured.map((verb) => [verb, samples[verb] ?? []]));
  }
  const driver = await openContainerDriver(job.contestant, { runtime, root });
  if (warm > 0) await warmUp(driver, `b${process.pid}-${job.serial}-warm`, bundle);
  const samples: Samples = {};
  for (let i = -warm; i < count; i++) {
    const measure = async (verb: Verb, call: () => Promise<unknown>): Promise<unknown> => {
      let result: unknown;
      const ns = await timed(async () => {
        result = await call();
      });
      if (i >= 0 && measured.includes(verb)) add(samples, verb, ns);
      return result;
    };
    await lifecycle(driver, `b${process.pid}-${job.serial}-${i + warm}`, bundle, measure, repeats);
  }
  await driver.close();
  return samples;
}
