import fs from 'node:fs';
import { toJson } from '../bundle/json';
import { RuntimeError } from '../errors';
import { newRecord, removeWhenTold } from '../keeper/keeper';
import type { OciProcess } from '../oci';
import { cgroupMode } from '../runtime/cgroup';
import type { Deadline } from '../runtime/deadline';
import type { ExecOptions, Settings } from '../runtime/options';
import { initPid } from '../runtime/state-file';
import { attempt } from '../system/unfamiliar';
import { execArgs } from './arguments';
import { stringsIn } from './callers-words';
import { ContainerProcesses } from './container-process';
import { execProcess, inheritedAttributes } from './exec-process';
import type { Invoker } from './invoker';
import { type Launch, type Launched, launch } from './launch';
import type { LaunchIo } from './launch-io';
import { parseState } from './output';
import { writePidFile } from './pid-file';
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
  checkCgroup(settings, id, o);
  // Of another runtime only what the runtime spec has is known: its state names the bundle.
  const bundle = settings.kind === 'other' && !o.process ? await bundleOf(invoker, id, deadline) : null;
  const processOf = (): OciProcess => (bundle === null ? processes.of(settings, id) : processes.in(bundle));
  const spec = execProcess(command, o, io.tty, processOf);
  const record = settings.keeper === null ? undefined : newRecord(settings.root, id, 'exec');
  const hasParent = isReaper || record !== undefined;
  try {
    const processPath = io.child.addByPath(textMemfd('dobby-runc-process', toJson(spec)));
    const launched = await launch(invoker, {
      op: 'exec',
      id,
      deadline,
      io,
      attached: !hasParent,
      ...(record === undefined ? {} : { record }),
      callersWords: () => [...command, ...stringsIn(spec)],
      initPid: () => initPid(settings, id),
      refine,
      attributes: inheritedAttributes(settings.kind, spec),
      args: (paths) =>
        execArgs(id, { detach: hasParent, fileCount: io.fileCount, cgroup: o.cgroup, processPath, ...paths }),
    });
    if (o.pidFile !== undefined) writePidFile(o.pidFile, launched.process.pid);
    if (record !== undefined) removeWhenTold(record, launched.process);
    return launched;
  } catch (error) {
    if (record !== undefined) fs.rmSync(record, { force: true });
    throw error;
  }
}

const processes = new ContainerProcesses();

async function bundleOf(invoker: Invoker, id: string, deadline: Deadline): Promise<string> {
  const { stdout, argv } = await invoker.invoke({ op: 'state', id, args: ['state', id], deadline });
  return parseState(stdout, id, argv).bundle;
}

/** crun joins the sub-cgroup with cgroup v2; with v1 it leaves the process in the root of some hierarchies. */
function checkCgroup(settings: Settings, containerId: string, { cgroup }: ExecOptions): void {
  if (cgroup === undefined || settings.kind !== 'crun' || isUnified()) return;
  const message = `exec ${containerId}: crun can't put a process into a cgroup of its own with cgroup v1`;
  throw new RuntimeError('ERR_UNSUPPORTED', message, { op: 'exec', containerId });
}

function isUnified(): boolean {
  const mode = attempt(cgroupMode);
  return mode.done && mode.value === 'unified';
}
