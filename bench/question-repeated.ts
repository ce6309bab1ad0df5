import { baselines } from './contestants';
import { repeated, warmUpText } from './lifecycle';
import { pick, type Question, type Scale } from './question';
import { measureLives } from './question-operations';

const repeats: Record<Scale, number> = { smoke: 2, quick: 40, full: 100 };

export const repeatedOperations: Question = {
  name: 'repeated',
  asks: 'How long do they take again and again, on a container that is kept?',
  how: `One container, its program asleep; state, pause, resume and a signal (SIGCONT), in turn, many times. ${warmUpText}`,
  measures: repeated.map((verb) => ({ name: verb, title: verb, unit: 'ns', better: 'lower', tail: true })),
  across: 'measures',
  cases: (scale: Scale, runtimes) =>
    Object.keys(runtimes).map((runtime) => ({
      params: { runtime, repeats: repeats[scale] },
      contestants: [...baselines, 'spawn', 'dobby-cli', 'dobby'],
      rounds: pick(scale, { smoke: 1, quick: 2, full: 2 }),
      samples: 1,
      warmup: pick(scale, { smoke: 0, quick: 1, full: 1 }),
    })),
  run: (job) => measureLives(job, repeated, job.params.repeats as number),
};
