import { setTimeout as delay } from 'node:timers/promises';
import { native } from '../../native';
import { openExitWatch, WatchedProcess } from '../../process/exit';
import { initState, type Watched } from './observe';

/**
 * Reaps an init that has exited; does nothing with one that has not. The watch reaps what it reports; this process is
 * the subreaper of the inits.
 */
export async function reap(init: Watched['init']): Promise<void> {
  if (init === null || !initState(init).startsWith('zombie')) return;
  const { pid } = init;
  openExitWatch();
  const pidfd = native.pidfdOpen(pid);
  if (pidfd < 0) return;
  await new Promise<void>((resolve) => {
    new WatchedProcess(pid, pidfd, () => resolve());
  });
  for (let tries = 0; tries < 500 && initState(init) !== 'gone'; tries++) await delay(2);
}
