import { monitorEventLoopDelay } from 'node:perf_hooks';
import { imageOf, isBaseline, runBaseline } from './contestants/baseline';
import type { ContainerDriver } from './contestants/container-driver';
import { openContainerDriver } from './contestants/container-drivers';
import { baselines, ours } from './contestants/index';
import { firstData } from './first-data';
import { runtimeFor } from './machine';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add, nowNs } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

export const cycle: Question = {
  name: 'cycle',
  asks: 'How long from create to the first byte of output and to the end of a whole cycle, and how many at a time?',
  how:
    'create, start, first byte of output, exit, destroy, its program writing one byte; 1 to 128 containers in flight, ' +
    'each slot beginning its next when it is done. The loop delay is by monitorEventLoopDelay, 1 ms resolution.',
  measures: [
    { name: 'firstByte', title: 'create to first output byte', unit: 'ns', better: 'lower', tail: true },
    { name: 'cycle', title: 'whole cycle', unit: 'ns', better: 'lower', tail: true },
    { name: 'rate', title: 'cycles per second', unit: 'per second', better: 'higher' },
    { name: 'failures', title: 'failed cycles', unit: 'count', better: 'lower' },
    { name: 'loopDelay', title: 'longest loop delay', unit: 'ns', better: 'lower' },
  ],
  across: 'inFlight',
  growth: 'inFlight',
  cases: (scale: Scale) =>
    pick(scale, { smoke: [1, 2], quick: [1, 32], full: [1, 8, 32, 128] }).map((inFlight) => ({
      params: { inFlight },
      contestants: [...baselines, 'spawn', 'execa', ...ours],
      rounds: pick(scale, { smoke: 1, quick: 2, full: inFlight > 8 ? 2 : 3 }),
      samples: pick(scale, { smoke: 2, quick: Math.max(8, inFlight), full: Math.max(16, inFlight * 2) }),
      warmup: pick(scale, { smoke: 0, quick: 2, full: 2 }),
    })),
  run: measureCycles,
};

async function measureCycles(job: Job): Promise<Samples> {
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const bundle = bundleFor(job.workspace, { args: ['/probe', 'byte'] });
  const inFlight = job.params.inFlight as number;
  const { samples: count, warmup: warm } = job;
  if (isBaseline(job.contestant)) {
    const options = {
      runtime,
      root,
      bundle,
      count,
      warm,
      image: imageOf(job.contestant),
      'in-flight': inFlight,
    };
    return runBaseline('cycle', { ...options, prefix: `y${job.serial}-` });
  }
  const driver = await openContainerDriver(job.contestant, { runtime, root });
  for (let i = 0; i < warm; i++) await oneCycle(driver, `w${process.pid}-${job.serial}-${i}`, bundle);
  const samples = await runCycles(driver, {
    bundle,
    count,
    inFlight,
    prefix: `y${process.pid}-${job.serial}-`,
  });
  await driver.close();
  return samples;
}

interface Plan {
  bundle: string;
  count: number;
  inFlight: number;
  prefix: string;
}

async function runCycles(driver: ContainerDriver, plan: Plan): Promise<Samples> {
  const samples: Samples = { failures: [0] };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let next = 0;
  let failures = 0;
  const slot = async () => {
    while (next < plan.count) {
      const id = `${plan.prefix}${next++}`;
      try {
        const { firstByteNs, cycleNs } = await oneCycle(driver, id, plan.bundle);
        add(samples, 'firstByte', firstByteNs);
        add(samples, 'cycle', cycleNs);
      } catch (error) {
        failures++;
        process.stderr.write(`cycle ${id}: ${String(error)}\n`);
        await driver.destroy(id).catch(() => {});
      }
    }
  };
  delay.enable();
  const start = nowNs();
  await Promise.all(Array.from({ length: plan.inFlight }, slot));
  samples.rate = [((plan.count - failures) / (nowNs() - start)) * 1e9];
  delay.disable();
  samples.failures = [failures];
  samples.loopDelay = [delay.max];
  return samples;
}

/** One container from create to destroy. */
export async function oneCycle(
  driver: ContainerDriver,
  id: string,
  bundle: string,
): Promise<{ firstByteNs: number; cycleNs: number }> {
  const start = nowNs();
  const container = await driver.create(id, bundle, { stdout: 'pipe' });
  const firstByte = firstData(container.output);
  const exited = container.exited;
  await driver.start(id);
  const firstByteNs = (await firstByte) - start;
  await exited;
  await driver.destroy(id);
  return { firstByteNs, cycleNs: nowNs() - start };
}
