import { native } from '../native';
import { setWeakInterval } from './weak-interval';

const passMs = 1000;
// How long a child that nobody of ours waits for is left to whoever made it.
const graceMs = 10_000;
let isReaping = false;

/**
 * Makes this process the one that containers' processes belong to when the runtime that made them has ended
 * (PR_SET_CHILD_SUBREAPER, prctl(2), Linux 3.4), so that it is told how each of them ended, at once and on every
 * kernel. Orphans of other children of this process arrive here too: they are reaped in the background by the rules
 * of native/orphans.h. Returns whether exit statuses will come as a parent's.
 */
export function becomeReaper(): boolean {
  if (process.pid !== 1 && native.subreaper(1) !== 1) return false;
  if (!isReaping) setWeakInterval(native, 'reapOrphans', graceMs, passMs);
  isReaping = true;
  return true;
}
