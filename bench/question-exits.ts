import { setTimeout as sleep } from 'node:timers/promises';
import { isBaseline, runBaseline } from './contestants/baseline';
import type { ProcessDriver, StartedProcess } from './contestants/process-driver';
import { openProcessDriver } from './contestants/process-drivers';
import { binaries } from './paths';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add, nowNs } from './timing';

export const exits: Question = {
  name: 'exits',
  asks: 'How fast is an exit seen while many processes live, and what does it cost?',
  how:
    'One of the live processes is killed (another takes its place): from the kill to the exit event, and the ' +
    "processor time of the watching process alone, to the loop's next turn. Then all of them at once.",
  measures: [
    { name: 'exit', title: 'kill to exit event', unit: 'ns', better: 'lower', tail: true },
    { name: 'cpu', title: 'processor time per exit', unit: 'ns', better: 'lower' },
    { name: 'burst', title: 'all at once: to the last exit event', unit: 'ns', better: 'lower' },
    { name: 'burstCpu', title: 'all at once: processor time per exit', unit: 'ns', better: 'lower' },
  ],
  across: 'live',
  growth: 'live',
  cases: (scale: Scale) =>
    pick(scale, { smoke: [4], quick: [10, 1000], full: [10, 100, 1000, 5000] }).map((live) => ({
      params: { live },
      contestants: ['c-path', 'spawn', 'execa', 'dobby'],
      rounds: pick(scale, { smoke: 1, quick: 1, full: roundsOf(live) }),
      samples: pick(scale, { smoke: 2, quick: 30, full: 50 }),
      warmup: 0,
      fresh: true,
    })),
  run: measureExits,
};

/** Starting thousands takes child_process and execa longer than all the rest. */
function roundsOf(live: number): number {
  if (live >= 5000) return 1;
  return live >= 1000 ? 2 : 3;
}

async function measureExits(job: Job): Promise<Samples> {
  const live = job.params.live as number;
  if (isBaseline(job.contestant)) {
    return runBaseline('exits', { live, count: job.samples }, [binaries.probe, 'sleep']);
  }
  const driver = await openProcessDriver(job.contestant);
  const processes: StartedProcess[] = [];
  // One after another: starting is not what is measured.
  while (processes.length < live) processes.push(await startSleeper(driver));
  await sleep(200);
  const samples: Samples = {};
  // The first ones warm up.
  for (let i = -Math.min(5, job.samples); i < job.samples; i++) {
    // Spread over the set: 7919 is prime, so every process gets its turn.
    const index = ((i + live) * 7919) % live;
    const { exitNs, cpuNs } = await killOne(processes[index] as StartedProcess);
    if (i >= 0) {
      add(samples, 'exit', exitNs);
      add(samples, 'cpu', cpuNs);
    }
    processes[index] = await startSleeper(driver);
    await sleep(2);
  }
  const cpu = process.cpuUsage();
  const start = nowNs();
  for (const each of processes) each.kill();
  await Promise.all(processes.map(({ exited }) => exited));
  samples.burst = [nowNs() - start];
  samples.burstCpu = [cpuNsSince(cpu) / live];
  return samples;
}

async function startSleeper(driver: ProcessDriver): Promise<StartedProcess> {
  return driver.start(binaries.probe, ['sleep']);
}

async function killOne(victim: StartedProcess): Promise<{ exitNs: number; cpuNs: number }> {
  const cpu = process.cpuUsage();
  const start = nowNs();
  victim.kill();
  const { signal } = await victim.exited;
  const exitNs = nowNs() - start;
  if (signal !== 'SIGKILL') throw new Error(`a killed process ended with ${signal}`);
  // What is tidied up after the event belongs to it.
  await new Promise((resolve) => setImmediate(resolve));
  return { exitNs, cpuNs: cpuNsSince(cpu) };
}

function cpuNsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}
