import { setTimeout as sleep } from 'node:timers/promises';
import { type Variant, variants } from './bundle';
import { imageOf, isBaseline, runBaseline } from './contestants/baseline';
import { openContainerDriver } from './contestants/container-drivers';
import { baselines } from './contestants/index';
import { firstData } from './first-data';
import { runtimeFor } from './machine';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add, nowNs } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

export const createCost: Question = {
  name: 'create-cost',
  asks: 'What does each part of a config.json add to create?',
  how:
    "'usual' has six namespaces, eight mounts and masked paths; each other variant lacks or adds what it is called " +
    'after. Its program writes one byte.',
  measures: [
    { name: 'create', title: 'create', unit: 'ns', better: 'lower' },
    { name: 'firstByte', title: 'create to first output byte', unit: 'ns', better: 'lower' },
  ],
  across: 'contestants',
  cases: (scale: Scale) =>
    variants.map((variant) => ({
      params: { variant },
      // Only a seccomp profile makes it a difference.
      contestants: [...baselines, ...(variant.startsWith('seccomp') ? ['dobby-uncached'] : []), 'dobby'],
      rounds: pick(scale, { smoke: 1, quick: 2, full: 4 }),
      samples: pick(scale, { smoke: 1, quick: 3, full: 10 }),
      warmup: pick(scale, { smoke: 0, quick: 1, full: 2 }),
    })),
  run: (job) => measureCreates(job, job.params.variant as Variant),
};

/** Containers of a variant, one after another; each to its first byte of output. */
export async function measureCreates(job: Job, variant: Variant, idleMs = 0): Promise<Samples> {
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const bundle = bundleFor(job.workspace, {
    args: ['/probe', 'byte'],
    variant,
  });
  const { samples: count, warmup: warm } = job;
  const withoutCgroup = variant === 'no-cgroup';
  if (isBaseline(job.contestant)) {
    const options = { runtime, root, bundle, count, warm, image: imageOf(job.contestant) };
    const measured = await runBaseline('cycle', {
      ...options,
      ...(withoutCgroup ? { 'cgroup-manager': 'disabled' } : {}),
      prefix: `v${job.serial}-`,
      'idle-ms': idleMs,
    });
    const { create = [], firstByte = [], failures } = measured;
    if (failures?.[0] !== 0)
      throw new Error(`${failures?.[0]} of ${count} cycles failed; their messages are above`);
    return { create, firstByte };
  }
  const driver = await openContainerDriver(job.contestant, {
    runtime,
    root,
    ...(withoutCgroup ? { cgroupManager: 'disabled' } : {}),
  });
  const samples: Samples = {};
  for (let i = -warm; i < count; i++) {
    const id = `v${process.pid}-${job.serial}-${i + warm}`;
    if (idleMs > 0) await sleep(idleMs);
    const start = nowNs();
    const container = await driver.create(id, bundle, { stdout: 'pipe' });
    const createNs = nowNs() - start;
    const firstByte = firstData(container.output);
    const exited = container.exited;
    await driver.start(id);
    const firstByteNs = (await firstByte) - start;
    await exited;
    await driver.destroy(id);
    if (i < 0) continue;
    add(samples, 'create', createNs);
    add(samples, 'firstByte', firstByteNs);
  }
  await driver.close();
  return samples;
}
