// Runs in a process with native/fault/inject.c preloaded; tells what came of each fault on its standard output.
import { type DobbyRunC, RuntimeError } from '../../src/index';
import { leftOver, newBundle, newDobby, newId, warmUp } from '../helpers/containers';
import { snapshot } from '../helpers/leaks';
import { Injection } from './injection';
import { clearScene, perform, type Step, setScene } from './operations';
import { errnoOf, type SystemFault, systemFaults } from './system-faults';

/** One try: the `skip`th call of an operation failed. */
export interface Told {
  fault: number;
  step: Step;
  skip: number;
  /** The code it rejected with; null when it succeeded all the same. */
  code: string | null;
  message: string;
  durationMs: number;
  /** What was left, or did not work any more. */
  left: string[];
}

// More calls than any operation makes.
const mostCalls = 200;
const patienceMs = 10_000;
// After the others, the next try itself is what comes next.
const useEvery = 4;

async function main(): Promise<void> {
  const injection = new Injection(process.env.DOBBY_INJECT as string);
  const dobby = newDobby({ direct: 'off' });
  await warmUp(dobby);
  for (const [index, fault] of systemFaults.entries())
    for (const step of fault.steps)
      for (let skip = 0; skip < mostCalls; skip += fault.stride ?? 1) {
        const told = await tryOnce(dobby, injection, fault, step, skip);
        if (told === null) break;
        process.stdout.write(`${JSON.stringify({ fault: index, step, skip, ...told } satisfies Told)}\n`);
      }
  await dobby[Symbol.asyncDispose]();
  injection.close();
}

/** null when the operation makes no call more that could have failed. */
async function tryOnce(
  dobby: DobbyRunC,
  injection: Injection,
  fault: SystemFault,
  step: Step,
  skip: number,
): Promise<Pick<Told, 'code' | 'message' | 'durationMs' | 'left'> | null> {
  const clean = snapshot();
  const scene = await setScene(dobby, step, step === 'create');
  const startMs = performance.now();
  injection.arm(fault.group, skip, errnoOf(fault), fault.times);
  const told = await perform(dobby, step, scene, { timeoutMs: patienceMs }).then(
    () => ({ code: null, message: '' }),
    (error: Error) => ({ code: codeOf(error), message: `${error.message} ${error.stack}`, error }),
  );
  const hits = injection.disarm();
  const durationMs = performance.now() - startMs;
  // Without descriptors nothing can be removed; then it is told, and can be removed when there are some.
  if ('error' in told && told.error instanceof RuntimeError && !told.error.cleanedUp && step === 'create')
    await dobby.destroy(scene.id, { force: true }).catch(() => {});
  const left: string[] = [];
  if (skip % useEvery === 0) {
    await checkUse(dobby).catch((error: unknown) => left.push(`the next container: ${String(error)}`));
  }
  await clearScene(dobby, scene).catch((error: unknown) => left.push(`clearing up: ${String(error)}`));
  left.push(...(await leftOver(clean)));
  const { code, message } = told;
  return hits === 0 ? null : { code, message, durationMs, left };
}

function codeOf(error: Error): string {
  return error instanceof RuntimeError ? error.code : `${error.name} ${(error as { code?: string }).code}`;
}

async function checkUse(dobby: DobbyRunC): Promise<void> {
  const container = await dobby.run(newId(), await newBundle(['/bin/true']));
  await container.exited;
  await container.destroy();
}

void main();
