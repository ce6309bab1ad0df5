import { imageOf, runBaseline } from './contestants/baseline';
import { baselines } from './contestants/index';
import { runtimeFor } from './machine';
import { binaries } from './paths';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { runtimeRoot } from './workspace';

export const runtimeStart: Question = {
  name: 'runtime-start',
  asks: 'What does starting the runtime cost before it does anything?',
  how: 'A program is started by the C baseline and its output read to the end: a static one, one that links libc, the runtime.',
  measures: [
    { name: 'static', title: 'a static program', unit: 'ns', better: 'lower' },
    { name: 'true', title: '/bin/true', unit: 'ns', better: 'lower' },
    { name: 'version', title: '--version', unit: 'ns', better: 'lower' },
    { name: 'list', title: 'list, no container', unit: 'ns', better: 'lower' },
  ],
  across: 'measures',
  cases: (scale: Scale, runtimes) =>
    Object.keys(runtimes).map((runtime) => ({
      params: { runtime },
      contestants: [...baselines],
      rounds: pick(scale, { smoke: 1, quick: 3, full: 5 }),
      samples: pick(scale, { smoke: 1, quick: 10, full: 30 }),
      warmup: pick(scale, { smoke: 0, quick: 3, full: 5 }),
    })),
  run: measureStarts,
};

async function measureStarts(job: Job): Promise<Samples> {
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const commands: Record<string, string[]> = {
    static: [binaries.probe, 'exit', '0'],
    true: ['/bin/true'],
    version: [runtime, '--version'],
    list: [runtime, '--root', root, 'list'],
  };
  const samples: Samples = {};
  for (const [measure, command] of Object.entries(commands)) {
    const options = { count: job.samples, warm: job.warmup, image: imageOf(job.contestant) };
    samples[measure] = (await runBaseline('run', options, command)).time ?? [];
  }
  return samples;
}
