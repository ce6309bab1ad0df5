import { RuntimeError } from '../errors';
import { type ExitStatus, WatchedProcess } from '../process/exit';
import { endTree } from '../process/tree';
import type { RuntimeCall } from './invoker';

// After SIGKILL a process that is not in uninterruptible sleep is gone in milliseconds.
const killGraceMs = 5000;
// How long a start that was given up may go on. Killed in the middle of it, crun leaves an init that spins, and runc a
// container that runs and is 'created' for ever.
const lateStartMs = 1000;

export function watchExit(pid: number, pidfd: number): Promise<ExitStatus> {
  let settle: (status: ExitStatus) => void = () => {};
  const exited = new Promise<ExitStatus>((resolve) => {
    settle = resolve;
  });
  try {
    new WatchedProcess(pid, pidfd, settle);
  } catch (error) {
    // What can't be watched must not run.
    void endTree(pid).catch(() => {});
    throw error;
  }
  return exited;
}

/** The exit of a runtime process; at the deadline it is killed first. ERR_STUCK when even that does not end it. */
export async function untilExit(
  pid: number,
  exited: Promise<ExitStatus>,
  { deadline, op, id }: RuntimeCall,
): Promise<ExitStatus> {
  let timer: NodeJS.Timeout | undefined;
  let ended: Promise<boolean> | undefined;
  const stuck = new Promise<null>((resolve) => {
    const end = (): void => {
      ended = endTree(pid, exited);
      timer = setTimeout(resolve, killGraceMs, null);
    };
    const cancel = deadline.onStop(() => {
      if (op === 'start') timer = setTimeout(end, lateStartMs);
      else end();
    });
    void exited.then(cancel);
  });
  const status = await Promise.race([exited, stuck]);
  clearTimeout(timer);
  if (status && (await ended) !== false) return status;
  throw new RuntimeError(
    'ERR_STUCK',
    `${op} ${id ?? ''}: process ${pid}, or one below it, does not end on SIGKILL`,
    {
      op,
      ...(id === undefined ? {} : { containerId: id }),
      durationMs: deadline.elapsedMs(),
      cleanedUp: false,
    },
  );
}
