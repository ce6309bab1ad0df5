import fs from 'node:fs';
import { toJson } from '../bundle/json';
import { newRecord, removeWhenTold } from '../keeper/keeper';
import type { Deadline } from '../runtime/deadline';
import type { ExecOptions, Settings } from '../runtime/options';
import { initPid } from '../runtime/state-file';
import { execArgs } from './arguments';
import { stringsIn } from './callers-words';
import { containerConfig } from './container-config';
import { execProcess } from './exec-process';
import type { Invoker } from './invoker';
import { type Launch, type Launched, launch } from './launch';
import type { LaunchIo } from './launch-io';
import { textMemfd } from './text-memfd';

/**
 * Starts a process in a container. isReaper: orphans become our children; where they do not, the runtime stays as the
 * process's parent, so that its exit code is known.
 */
export async function execInContainer(
  invoker: Invoker,
  settings: Settings,
  request: {
    id: string;
    command: readonly string[];
    o: ExecOptions;
    io: LaunchIo;
    deadline: Deadline;
    isReaper: boolean;
  },
  refine: Launch['refine'],
): Promise<Launched> {
  const { id, command, o, io, deadline, isReaper } = request;
  const spec = execProcess(command, o, io.tty, () => containerConfig(settings, id));
  const record = settings.keeper === null ? undefined : newRecord(settings.root, id, 'exec');
  const hasParent = isReaper || record !== undefined;
  try {
    const processPath = spec ? io.child.addByPath(textMemfd('dobby-runc-process', toJson(spec))) : undefined;
    const launched = await launch(invoker, {
      op: 'exec',
      id,
      deadline,
      io,
      attached: !hasParent,
      ...(record === undefined ? {} : { record }),
      callersWords: () => [...command, ...stringsIn(spec ?? processOf(settings, id))],
      initPid: () => initPid(settings, id),
      refine,
      args: (paths) =>
        execArgs(
          id,
          command,
          {
            detach: hasParent,
            tty: io.tty !== null,
            fileCount: io.fileCount,
            ...paths,
            ...(processPath === undefined ? {} : { processPath }),
          },
          o,
        ),
    });
    if (record !== undefined) removeWhenTold(record, launched.process);
    return launched;
  } catch (error) {
    if (record !== undefined) fs.rmSync(record, { force: true });
    throw error;
  }
}

/** What the container's configuration has as its process; null where that can't be read any more. */
function processOf(settings: Settings, id: string): unknown {
  try {
    return containerConfig(settings, id).process;
  } catch {
    return null;
  }
}
