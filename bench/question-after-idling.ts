import { baselines } from './contestants/index';
import { pick, type Question, type Scale } from './question';
import { measureCreates } from './question-create-cost';

const idleMs = 100;

export const afterIdling: Question = {
  name: 'after-idling',
  asks: 'What does a container cost that is started by itself, on a machine that has been idle?',
  how: `The usual config.json, its program writing one byte; one after another ('steady'), and each after ${idleMs} ms of idling ('idle').`,
  measures: [
    { name: 'create', title: 'create', unit: 'ns', better: 'lower', tail: true },
    { name: 'firstByte', title: 'create to first output byte', unit: 'ns', better: 'lower', tail: true },
  ],
  across: 'pace',
  cases: (scale: Scale, runtimes) =>
    Object.keys(runtimes).flatMap((runtime) =>
      ['steady', 'idle'].map((pace) => ({
        params: { runtime, pace },
        contestants: [...baselines, 'dobby'],
        rounds: pick(scale, { smoke: 1, quick: 2, full: 3 }),
        samples: pick(scale, { smoke: 1, quick: 4, full: 10 }),
        warmup: pick(scale, { smoke: 0, quick: 1, full: 2 }),
      })),
    ),
  run: (job) => measureCreates(job, 'usual', job.params.pace === 'idle' ? idleMs : 0),
};
