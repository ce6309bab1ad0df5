// Very many live containers: made, listed, signalled, and ended at once; every exit has to be told once.
//   node dist/test/soak/many.js [--containers 2000]
import { parseArgs } from 'node:util';
import { newBundle, newDobby, newId } from '../helpers/containers';
import { cgroup, kind, version } from '../helpers/environment';

export interface ManyResult {
  containers: number;
  /** Why no more were made; '' when all were. */
  stoppedBy: string;
  createdMs: number;
  listed: number;
  listMs: number;
  signalMs: number;
  runningAfterSignal: number;
  /** From the first SIGKILL until the last exit event. */
  endMs: number;
  exitEvents: number;
  idsTold: number;
  bySignal: Record<string, number>;
  destroyMs: number;
  listedAfter: number;
}

export async function many(wanted: number): Promise<ManyResult> {
  const dobby = newDobby();
  // No network: two thousand new network stacks are the kernel's slowness, not ours.
  const bundle = await newBundle(['/bin/sleep', '100000'], { namespaces: ['pid', 'ipc', 'uts', 'mount'] });
  const told = new Map<string, number>();
  const bySignal: Record<string, number> = {};
  let exitEvents = 0;
  let allTold: () => void = () => {};
  const ids: string[] = [];
  dobby.on('exit', (id, { signal, source }) => {
    exitEvents++;
    told.set(id, (told.get(id) ?? 0) + 1);
    const key = `${signal} by ${source}`;
    bySignal[key] = (bySignal[key] ?? 0) + 1;
    if (told.size === ids.length) allTold();
  });

  let stoppedBy = '';
  const [createdMs] = await timed(async () => {
    let left = wanted;
    const lane = async (): Promise<void> => {
      while (left-- > 0 && stoppedBy === '') {
        const id = newId('many');
        await dobby.run(id, bundle).then(
          () => ids.push(id),
          (error: unknown) => {
            stoppedBy = (error as Error).message;
          },
        );
      }
    };
    await Promise.all(Array.from({ length: 4 }, lane));
  });
  const [listMs, items] = await timed(() => dobby.list());
  const [signalMs] = await timed(() => Promise.all(ids.map((id) => dobby.killCont(id, 'SIGUSR1'))));
  // An init without a handler does not see it (pid_namespaces(7)): all of them must still run.
  const runningAfterSignal = (await dobby.list()).filter(({ status }) => status === 'running').length;
  const over = new Promise<void>((resolve) => {
    allTold = resolve;
  });
  const [endMs] = await timed(async () => {
    await Promise.all(ids.map((id) => dobby.killCont(id, 'SIGKILL')));
    await over;
  });
  const [destroyMs] = await timed(() => Promise.all(ids.map((id) => dobby.destroy(id))));
  const listedAfter = (await dobby.list()).length;
  await dobby[Symbol.asyncDispose]();
  return {
    containers: ids.length,
    stoppedBy,
    createdMs,
    listed: items.length,
    listMs,
    signalMs,
    runningAfterSignal,
    endMs,
    exitEvents,
    idsTold: told.size,
    bySignal,
    destroyMs,
    listedAfter,
  };
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, value: T]> {
  const startedMs = performance.now();
  const value = await work();
  return [Math.round((performance.now() - startedMs) * 10) / 10, value];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { containers: { type: 'string', default: '2000' } } });
  const result = await many(Number(values.containers));
  console.log(JSON.stringify({ runtime: `${kind} ${version}, cgroup ${cgroup}`, ...result }, null, 2));
  const { containers, listed, exitEvents, idsTold, listedAfter } = result;
  const isRight = [listed, exitEvents, idsTold].every((count) => count === containers) && listedAfter === 0;
  process.exitCode = isRight ? 0 : 1;
}

if (require.main === module) void main();
