import type { Bundle, CallOptions, Container, ContainerProcess, DobbyRunC } from '../../src/index';
import { newBundle, newId, until } from '../helpers/containers';

/** The operations of the runtime, one for each of its verbs. */
export const steps = [
  'create',
  'start',
  'exec',
  'kill',
  'pause',
  'resume',
  'state',
  'list',
  'destroy',
] as const;
export type Step = (typeof steps)[number];

/** The runtime's verb for an operation. */
export function verbOf(step: Step): string {
  return step === 'destroy' ? 'delete' : step;
}

/** A container in the state from which an operation goes, and what is needed to call it. */
export interface Scene {
  id: string;
  bundle: Bundle;
  isTerminal: boolean;
  container: Container | null;
  process: ContainerProcess | null;
}

const sleeper = ['/bin/sleep', '1000'];

/** Makes what an operation needs: nothing for create and list, a container in a fitting state for the others. */
export async function setScene(dobby: DobbyRunC, step: Step, isTerminal = false): Promise<Scene> {
  const id = newId(step);
  const bundle = await newBundle(sleeper, isTerminal && step === 'create' ? { terminal: true } : {});
  const scene: Scene = { id, bundle, isTerminal, container: null, process: null };
  if (step === 'create') return scene;
  scene.container = await dobby.create(id, bundle);
  if (step !== 'start') await scene.container.start();
  if (step === 'resume') {
    await scene.container.pause();
    // crun's command line does not wait for it, and calls it running until it is frozen.
    await until(async () => (await dobby.state(id)) === 'paused', 10_000);
  }
  return scene;
}

/** Does the operation; resolves with whatever it resolves with. */
export async function perform(
  dobby: DobbyRunC,
  step: Step,
  scene: Scene,
  o: CallOptions = {},
): Promise<unknown> {
  const { id, bundle, isTerminal } = scene;
  const tty = isTerminal ? { tty: true } : {};
  switch (step) {
    case 'create':
      scene.container = await dobby.create(id, bundle, { ...o, ...tty });
      return scene.container;
    case 'exec':
      scene.process = await dobby.exec(id, sleeper, { ...o, ...tty });
      return scene.process;
    case 'start':
      return await dobby.start(id, o);
    case 'kill':
      return await dobby.killCont(id, 'SIGCONT', o);
    case 'pause':
      return await dobby.pause(id, o);
    case 'resume':
      return await dobby.resume(id, o);
    case 'state':
      return await dobby.state(id, o);
    case 'list':
      return await dobby.list(o);
    case 'destroy':
      return await dobby.destroy(id, { ...o, force: true });
  }
}

/** Removes what is left of the scene. */
export async function clearScene(dobby: DobbyRunC, { id, container, process }: Scene): Promise<void> {
  const isThere = (await dobby.state(id)) !== 'unknown';
  if (isThere) await dobby.destroy(id, { force: true });
  if (container) await container.exited;
  if (process) await process.exited;
  // A stand-in's terminal has no other end that could be closed.
  process?.tty?.destroy();
}
