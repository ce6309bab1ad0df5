import { cgroupMode, freezerOf, relativeCgroup } from '../runtime/cgroup';
import type { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import { readStateFile } from '../runtime/state-file';
import { within } from '../runtime/stuck';
import { readSmallText } from '../system/small-file';
import { attempt } from '../system/unfamiliar';
import type { Invoker } from './invoker';

const confirmMs = 1000;

/** Pauses, and waits until it is so: with cgroup v1 crun returns while processes are still being frozen. */
export async function pauseContainer(
  invoker: Invoker,
  settings: Settings,
  id: string,
  deadline: Deadline,
): Promise<void> {
  await invoker.invoke({ op: 'pause', id, args: ['pause', id], deadline });
  await within(confirmMs, () => !isFreezing(settings, id), deadline);
}

/** freezer.state is 'FREEZING' (cgroup-v1/freezer-subsystem.rst); crun's state calls that running. */
function isFreezing(settings: Settings, id: string): boolean {
  const looked = attempt(() => {
    const { 'cgroup-path': path } = readStateFile(settings, id);
    if (settings.kind !== 'crun' || typeof path !== 'string' || path === '') return false;
    const mode = cgroupMode();
    if (mode === 'unified') return false;
    return readSmallText(freezerOf(mode, relativeCgroup(path)).file)?.trim() === 'FREEZING';
  });
  return looked.done && looked.value;
}
