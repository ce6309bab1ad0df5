import { imageOf, isBaseline, runBaseline } from './contestants/baseline';
import { openContainerDriver } from './contestants/container-drivers';
import { baselines, commandLineCallers, ours } from './contestants/index';
import { warmMs } from './lifecycle';
import { runtimeFor } from './machine';
import {
  type Job,
  type Params,
  pick,
  type Question,
  type Samples,
  type Scale,
  type Workspace,
} from './question';
import { startShared } from './shared-containers';
import { add, timed } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

const prefix = 'list-';

export const list: Question = {
  name: 'list',
  asks: 'How long to list containers, or to ask for the state of one that another process created?',
  how: 'Running containers, created by another process; a list is parsed and counted, so is a state.',
  measures: [
    { name: 'list', title: 'list', unit: 'ns', better: 'lower', tail: true },
    { name: 'state', title: 'state of one of them', unit: 'ns', better: 'lower', tail: true },
  ],
  across: 'containers',
  growth: 'containers',
  cases: (scale: Scale, runtimes) =>
    Object.keys(runtimes).flatMap((runtime) =>
      pick(scale, { smoke: [2], quick: [1, 100], full: [1, 100] }).map((containers) => ({
        params: { runtime, containers },
        contestants: [...baselines, ...commandLineCallers, ...ours],
        rounds: pick(scale, { smoke: 1, quick: 2, full: 3 }),
        samples: pick(scale, { smoke: 1, quick: 8, full: 10 }),
        warmup: pick(scale, { smoke: 0, quick: 2, full: 2 }),
      })),
    ),
  prepare: createContainers,
  run: measureList,
};

/** One root for all contestants: what is asked changes nothing. */
function rootOf(params: Params, workspace: Workspace): string {
  return runtimeRoot(workspace, runtimeFor(params), 'shared');
}

function createContainers(params: Params, workspace: Workspace): Promise<() => Promise<void>> {
  return startShared({
    runtime: runtimeFor(params),
    root: rootOf(params, workspace),
    bundle: bundleFor(workspace, { args: ['/probe', 'sleep'] }),
    prefix,
    count: params.containers as number,
  });
}

async function measureList(job: Job): Promise<Samples> {
  const runtime = runtimeFor(job.params);
  const root = rootOf(job.params, job.workspace);
  const { samples: count, warmup: warm } = job;
  if (isBaseline(job.contestant)) {
    const options = { count, warm, image: imageOf(job.contestant) };
    const listed = await runBaseline('run', options, [runtime, '--root', root, 'list', '--format', 'json']);
    const state = await runBaseline('run', options, [runtime, '--root', root, 'state', `${prefix}0`]);
    return { list: listed.time ?? [], state: state.time ?? [] };
  }
  const driver = await openContainerDriver(job.contestant, { runtime, root });
  const measure = async (): Promise<{ listNs: number; stateNs: number }> => {
    const listNs = await timed(async () => {
      const found = await driver.list();
      if (found !== job.params.containers) throw new Error(`${found} containers were listed`);
    });
    return { listNs, stateNs: await timed(() => driver.state(`${prefix}0`)) };
  };
  // As many and as long as for everybody.
  const end = performance.now() + (warm > 0 ? warmMs : 0);
  for (let i = 0; i < warm || performance.now() < end; i++) await measure();
  const samples: Samples = {};
  for (let i = 0; i < count; i++) {
    const { listNs, stateNs } = await measure();
    add(samples, 'list', listNs);
    add(samples, 'state', stateNs);
  }
  await driver.close();
  return samples;
}
