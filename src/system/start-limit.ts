import { readSmallText } from './small-file';
import { attempt } from './unfamiliar';

interface Limit {
  readonly soft: string;
  readonly hard: string;
}

let known: number | null | undefined;

/**
 * The soft limit of open files that this process was started with, as far as that can be known; null: it is as it was,
 * or nobody can tell. Node raises it to the hard one when it starts (src/node.cc, PlatformInit), and its children get the
 * raised one: programs that use select(2), or close every possible descriptor, suffer. A process starts with its parent's
 * limits: where the parent still has the same hard limit, its soft one is what ours was.
 */
export function openFilesAtStart(): number | null {
  if (known === undefined) known = findLimit();
  return known;
}

function findLimit(): number | null {
  const own = limitOf('self');
  const parent = limitOf(process.ppid);
  if (own === null || parent === null || own.soft !== own.hard || parent.hard !== own.hard) return null;
  const soft = Number(parent.soft);
  return parent.soft !== own.soft && Number.isSafeInteger(soft) && soft > 0 && soft <= 0x7fffffff
    ? soft
    : null;
}

/** The line of /proc/PID/limits (proc(5)). */
function limitOf(pid: number | 'self'): Limit | null {
  const text = attempt(() => readSmallText(`/proc/${pid}/limits`));
  const [, soft, hard] =
    /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec((text.done && text.value) || '') ?? [];
  return soft === undefined || hard === undefined ? null : { soft, hard };
}
