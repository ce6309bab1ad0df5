import { setTimeout as sleep } from 'node:timers/promises';
import { isBaseline, runBaseline } from './contestants/baseline';
import { ourSpawns } from './contestants/index';
import { expectSuccess } from './contestants/process-driver';
import { openProcessDriver } from './contestants/process-drivers';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add, timed } from './timing';

const idleMs = 100;
const contestants = ['c-path', 'spawn', 'execFile', 'execa', ...ourSpawns];

export const spawnExit: Question = {
  name: 'spawn-exit',
  asks: 'How long from starting a process to knowing that it has exited?',
  how: `/bin/true, output ignored: one after another ('steady'), and single ones after ${idleMs} ms of idling ('idle').`,
  measures: [{ name: 'exit', title: 'spawn to exit event', unit: 'ns', better: 'lower', tail: true }],
  across: 'pace',
  cases: (scale: Scale) => [
    {
      params: { pace: 'steady' },
      contestants,
      rounds: pick(scale, { smoke: 1, quick: 3, full: 5 }),
      samples: pick(scale, { smoke: 3, quick: 60, full: 200 }),
      warmup: pick(scale, { smoke: 1, quick: 10, full: 20 }),
    },
    {
      params: { pace: 'idle' },
      contestants,
      rounds: pick(scale, { smoke: 1, quick: 2, full: 4 }),
      samples: pick(scale, { smoke: 1, quick: 5, full: 10 }),
      warmup: 1,
    },
  ],
  run: measureSpawnExit,
};

async function measureSpawnExit(job: Job): Promise<Samples> {
  const pauseMs = job.params.pace === 'idle' ? idleMs : 0;
  if (isBaseline(job.contestant)) {
    const { exit } = await runBaseline(
      'spawn',
      { count: job.samples, warm: job.warmup, 'idle-ms': pauseMs },
      ['/bin/true'],
    );
    return { exit: exit ?? [] };
  }
  const driver = await openProcessDriver(job.contestant);
  const samples: Samples = {};
  for (let i = -job.warmup; i < job.samples; i++) {
    if (pauseMs > 0) await sleep(pauseMs);
    const ns = await timed(async () => {
      const started = await driver.start('/bin/true', []);
      expectSuccess(await started.exited, '/bin/true');
    });
    if (i >= 0) add(samples, 'exit', ns);
  }
  return samples;
}
