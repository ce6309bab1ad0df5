import { native } from '../native';
import { startTicks } from './process-stat';

let own: string | undefined;

/**
 * pid and start time: a pid alone is given to another process sooner or later, in a container often to the next. And
 * which thread of it: a worker ends before its process does.
 */
export function ownName(): string {
  own ??= `${process.pid}-${startTicks(process.pid)}-${native.environmentId()}`;
  return own;
}

/** Whether the thread that ownName() named still runs; what comes after the name is not looked at. */
export function isOwnerAlive(name: string): boolean {
  const [, pid, ticks, environment] = /^(\d+)-(\d+)-(?:(\d+)-)?/.exec(name) ?? [];
  if (pid === undefined || startTicks(Number(pid)) !== Number(ticks)) return false;
  // Without a thread it is another version's of this package, which may still be at work.
  const isOurs = Number(pid) === process.pid && environment !== undefined;
  return !isOurs || native.environmentIsAlive(Number(environment));
}
