import { setTimeout as delay } from 'node:timers/promises';
import { ExitField, native } from '../../../src/native';
import { initState, type Watched } from './observe';

const waiting = new Map<number, () => void>();
let isOpen = false;
let nextToken = 1;

/** The watch reaps what it reports; the test is the subreaper of the inits. */
function openWatch(): void {
  if (isOpen) return;
  isOpen = true;
  const batch = new Int32Array(64 * ExitField.Width);
  const result = native.openExitWatch(batch, (count) => {
    for (let entry = 0; entry < count; entry++) {
      const token = batch[entry * ExitField.Width + ExitField.Token] ?? 0;
      waiting.get(token)?.();
      waiting.delete(token);
    }
  });
  if (result < 0) throw new Error(`openExitWatch: ${result}`);
}

/** Reaps an init that has exited; does nothing with one that has not. */
export async function reap(init: Watched['init']): Promise<void> {
  if (init === null || !initState(init).startsWith('zombie')) return;
  openWatch();
  const pidfd = native.pidfdOpen(init.pid);
  if (pidfd < 0) return;
  const token = nextToken++;
  const reaped = new Promise<void>((resolve) => {
    waiting.set(token, resolve);
  });
  if (native.watch(token, pidfd, init.pid) < 0) throw new Error('watch failed');
  await reaped;
  for (let tries = 0; tries < 500 && initState(init) !== 'gone'; tries++) await delay(2);
}
