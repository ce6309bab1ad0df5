import type { Bundle, Container, DobbyRunC } from '../../src/index';
import { newBundle, newId } from '../helpers/containers';
import { cgroup } from '../helpers/environment';
import type { Ledger } from './ledger';

/** One life of one container, from create to destroy. */
export type Cycle = (dobby: DobbyRunC, ledger: Ledger, bundles: Bundles) => Promise<void>;

export interface Bundles {
  exits: readonly Bundle[];
  sleeper: Bundle;
  polite: Bundle;
  hungry: Bundle;
}

const exitCodes = [0, 1, 42, 255];

export async function makeBundles(): Promise<Bundles> {
  const shell = (script: string): string[] => ['/bin/sh', '-c', script];
  return {
    exits: await Promise.all(exitCodes.map((code) => newBundle(shell(`echo out; exit ${code}`)))),
    sleeper: await newBundle(shell('exec sleep 1000')),
    polite: await newBundle(shell('trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done')),
    // tail keeps all that it reads of a line that does not end.
    hungry: await newBundle(shell('exec tail /dev/zero'), {
      resources: { memory: { limit: 24 * 1024 * 1024 } },
    }),
  };
}

/** Ends by itself, with output. */
const exits: Cycle = async (dobby, ledger, bundles) => {
  const index = Math.floor(Math.random() * exitCodes.length);
  const container = await dobby.run(newId('exit'), bundles.exits[index] as Bundle, { stdout: 'pipe' });
  let text = '';
  container.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  await ledger.follow('exit', container, { ending: exitCodes[index] as number });
  await new Promise((resolve) => setImmediate(resolve));
  if (text !== 'out\n') ledger.fault(`${container.containerId}: its output was ${JSON.stringify(text)}`);
  await container.destroy();
};

/** Is killed: by us, or with what runs in it. */
const crashes: Cycle = async (dobby, ledger, bundles) => {
  const container = await dobby.run(newId('crash'), bundles.sleeper);
  const ended = ledger.follow('crash', container, { ending: 'SIGKILL' });
  if (Math.random() < 0.5) await container.kill('SIGKILL');
  else await container.destroy({ force: true });
  await ended;
  await container.destroy({ force: true }).catch(() => {});
};

/** Handles SIGTERM. */
const stops: Cycle = async (dobby, ledger, bundles) => {
  const container = await dobby.run(newId('stop'), bundles.polite, { stdout: 'pipe' });
  const ended = ledger.follow('stop', container, { ending: 7 });
  await new Promise((resolve) => container.stdout?.once('data', resolve));
  if (Math.random() < 0.5) {
    await container.pause();
    await container.resume();
  }
  await container.stop({ graceMs: 30_000 });
  await ended;
  await container.destroy();
};

const outOfMemory: Cycle = async (dobby, ledger, bundles) => {
  const container = await dobby.run(newId('oom'), bundles.hungry);
  await ledger.follow('oom', container, { ending: 'SIGKILL', oomKilled: true });
  await container.destroy();
};

/** Many processes at once: some end, some crash, some are still there when the container is killed. */
const execStorm: Cycle = async (dobby, ledger, bundles) => {
  const container = await dobby.run(newId('storm'), bundles.sleeper);
  const init = ledger.follow('storm', container, { ending: 'SIGKILL' });
  const scripts = [
    { script: 'exit 3', ending: 3 },
    { script: 'kill -SEGV $$', ending: 'SIGSEGV' },
    { script: 'kill -ABRT $$', ending: 'SIGABRT' },
    { script: 'sleep 1000', ending: 'SIGKILL' },
  ] as const;
  const byThemselves: Promise<unknown>[] = [];
  const ends: Promise<unknown>[] = [];
  const running: Promise<void>[] = [];
  for (let count = 0; count < 8; count++) {
    const { script, ending } = scripts[count % scripts.length] as (typeof scripts)[number];
    running.push(
      exec(container, script).then((process) => {
        const ended = ledger.follow('exec', process, { ending });
        (ending === 'SIGKILL' ? ends : byThemselves).push(ended);
      }),
    );
  }
  await Promise.all(running);
  await Promise.all(byThemselves);
  await container.destroy({ force: true });
  await init;
  await Promise.all(ends);
};

function exec(container: Container, script: string): ReturnType<Container['exec']> {
  return container.exec(['/bin/sh', '-c', script]);
}

/** In the proportions in which they are drawn. The kernel of a bare cgroup v2 tree has no memory controller here. */
const drawn: Cycle[] = [
  exits,
  exits,
  crashes,
  crashes,
  stops,
  execStorm,
  ...(cgroup === 'v1' ? [outOfMemory] : []),
];

export function drawCycle(): Cycle {
  return drawn[Math.floor(Math.random() * drawn.length)] as Cycle;
}
