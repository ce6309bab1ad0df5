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
