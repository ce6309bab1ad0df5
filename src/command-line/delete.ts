import fs from 'node:fs';
import path from 'node:path';
import { RuntimeError } from '../errors';
import { sigkill } from '../process/signals';
import type { Supervised } from '../process/supervise';
import { Deadline } from '../runtime/deadline';
import { notDone } from '../runtime/operation-error';
import type { Settings } from '../runtime/options';
import { initPid } from '../runtime/state-file';
import { forcedDeleteMs, settlesWithin, stuckError, stuckMs } from '../runtime/stuck';
import { isLive } from '../system/process-stat';
import { deleteArgs } from './arguments';
import { isHalfMade, removeHalfMade } from './half-made';
import type { Invoker } from './invoker';

// A process that is not frozen ends sooner.
const frozenMs = 200;

/** A container to be deleted by the command line; `process` is its init where that is watched here. */
export interface Deletion {
  id: string;
  force: boolean;
  process: Supervised | undefined;
  deadline: Deadline;
}

/** Deletes a container: politely, and where the runtime refuses (it runs), or with force, by force. */
export async function deleteContainer(
  invoker: Invoker,
  settings: Settings,
  request: Deletion,
): Promise<void> {
  const { id, force, deadline } = request;
  if (isHalfMade(settings, id)) {
    await removeHalfMade(invoker, settings, id, force);
    return;
  }
  if (!force) {
    try {
      await invoker.invoke({ op: 'delete', id, args: deleteArgs(id, false), deadline });
      checkDeleted(settings, id);
      return;
    } catch (error) {
      const isRefused =
        error instanceof RuntimeError && error.exitCode !== null && error.code !== 'ERR_CONTAINER_NOT_FOUND';
      if (!isRefused || deadline.stopped) throw error;
    }
  }
  await endInit(invoker, request);
  await deleteByForce(invoker, settings, request);
}

/**
 * Kills the init of a container that is watched here. Not left to the runtime: crun removes what it knows of a
 * container as soon as it has sent SIGKILL, also when the process does not end.
 */
async function endInit(invoker: Invoker, { id, process, deadline }: Deletion): Promise<void> {
  if (!process?.kill(sigkill) || (await settlesWithin(process.ended, frozenMs, deadline))) return;
  // A frozen process dies only when it is thawed (cgroup v1).
  await invoker.invoke({ op: 'resume', id, args: ['resume', id], deadline }).catch(() => {});
  if (!(await settlesWithin(process.ended, stuckMs, deadline))) throw stuckError('destroy', id, process.pid);
}

async function deleteByForce(
  invoker: Invoker,
  settings: Settings,
  { id, deadline }: Deletion,
): Promise<void> {
  const pid = initPid(settings, id);
  const rest = deadline.rest();
  const limit = new Deadline('destroy', id, { ...rest, timeoutMs: rest.timeoutMs ?? forcedDeleteMs });
  try {
    await invoker.invoke({ op: 'delete', id, args: deleteArgs(id, true), deadline: limit });
    checkDeleted(settings, id);
  } catch (error) {
    if (!deadline.stopped && limit.stopped && isLive(pid)) throw stuckError('destroy', id, pid);
    throw error;
  } finally {
    limit.dispose();
  }
}

function checkDeleted({ root, kind }: Settings, id: string): void {
  if (kind !== 'other' && fs.existsSync(path.join(root, id))) throw notDone('delete', id);
}
