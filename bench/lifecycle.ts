import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerDriver } from './contestants/container-driver';

const settleMs = 5;

/** What can be done more than once in a life, and how often it usually is. */
export const repeated = ['state', 'pause', 'resume', 'signal'] as const;
export const usualRepeats = 3;

/** The verbs of one container's life, in their order. */
export const verbs = ['create', 'start', ...repeated, 'exec', 'kill', 'destroy'] as const;
export type Verb = (typeof verbs)[number];

/** Leads one container through its life; every verb is called through `measure`. */
export async function lifecycle(
  driver: ContainerDriver,
  id: string,
  bundle: string,
  measure: (verb: Verb, call: () => Promise<unknown>) => Promise<unknown>,
  repeats = usualRepeats,
): Promise<void> {
  const during = <T>(verb: Verb, call: () => Promise<T>) => measure(verb, call) as Promise<T>;
  const container = await during('create', () => driver.create(id, bundle, { stdout: 'ignore' }));
  await during('start', () => driver.start(id));
  // A direct start returns before the program has been exec'd; that must not be measured as part of the next verb.
  await sleep(settleMs);
  for (let i = 0; i < repeats; i++) {
    await during('state', () => driver.state(id));
    await during('pause', () => driver.pause(id));
    await during('resume', () => driver.resume(id));
    await during('signal', () => driver.signal(id));
  }
  const finishExec = await during('exec', () => driver.exec(id));
  await finishExec();
  await during('kill', () => driver.kill(id));
  await container.exited;
  await during('destroy', () => driver.destroy(id));
}

/** What Node contestants are given before they are measured; see warmUp(). */
export const warmMs = 300;
export const warmUpText =
  `Node contestants first spend ${warmMs / 1000} s on such calls, so that V8 has compiled what is measured, as in a ` +
  'service that has been running for a while.';

/** Calls what can be repeated, on a container of its own, for a while. */
export async function warmUp(driver: ContainerDriver, id: string, bundle: string): Promise<void> {
  const end = performance.now() + warmMs;
  const container = await driver.create(id, bundle, { stdout: 'ignore' });
  await driver.start(id);
  await sleep(settleMs);
  while (performance.now() < end) {
    await driver.state(id);
    await driver.pause(id);
    await driver.resume(id);
    await driver.signal(id);
  }
  await driver.kill(id);
  await container.exited;
  await driver.destroy(id);
}
