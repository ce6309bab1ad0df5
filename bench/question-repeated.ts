import { execFileSync } from 'node:child_process';
import { baselines } from './contestants/index';
import { repeated, warmUpText } from './lifecycle';
import { runtimeFor } from './machine';
import { type Params, pick, type Question, type Scale, type Workspace } from './question';
import { measureLives } from './question-operations';
import { startShared } from './shared-containers';
import { bundleFor, runtimeRoot } from './workspace';

const repeats: Record<Scale, number> = { smoke: 2, quick: 40, full: 100 };

export const repeatedOperations: Question = {
  name: 'repeated',
  asks: 'How long do they take again and again, on a container that is kept?',
  how:
    'One container, its program asleep; state, pause, resume and a signal (SIGCONT), in turn, many times. With ' +
    "othersPaused, while that many other containers are paused: on cgroup v1 the machine's first freezing and its last " +
    `thawing cost more than those between. ${warmUpText}`,
  measures: repeated.map((verb) => ({ name: verb, title: verb, unit: 'ns', better: 'lower', tail: true })),
  across: 'measures',
  cases: (scale: Scale, runtimes) =>
    Object.keys(runtimes).flatMap((runtime) =>
      [0, 1].map((othersPaused) => ({
        params: { runtime, repeats: repeats[scale], othersPaused },
        contestants: othersPaused ? [...baselines, 'dobby'] : [...baselines, 'spawn', 'dobby-cli', 'dobby'],
        rounds: pick(scale, { smoke: 1, quick: 2, full: 2 }),
        samples: 1,
        warmup: pick(scale, { smoke: 0, quick: 1, full: 1 }),
      })),
    ),
  prepare: pauseOthers,
  run: (job) => measureLives(job, repeated, job.params.repeats as number),
};

async function pauseOthers(params: Params, workspace: Workspace): Promise<() => Promise<void>> {
  const runtime = runtimeFor(params);
  const root = runtimeRoot(workspace, runtime, 'shared');
  const bundle = bundleFor(workspace, { args: ['/probe', 'sleep'] });
  const prefix = 'other-';
  const count = params.othersPaused as number;
  const remove = await startShared({ runtime, root, bundle, prefix, count });
  const callEach = (verb: 'pause' | 'resume'): void => {
    for (let i = 0; i < count; i++) execFileSync(runtime, ['--root', root, verb, `${prefix}${i}`]);
  };
  callEach('pause');
  return async () => {
    callEach('resume');
    await remove();
  };
}
