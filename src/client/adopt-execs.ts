import type { Launch } from '../command-line/launch';
import { adoptKept } from '../keeper/adopt';
import { execRecords, removeWhenTold } from '../keeper/keeper';
import { type ContainerProcess, ProcessHandle } from './container';

/** Takes over what others exec'd into a container under keepers; each record goes when its exit has been told. */
export async function adoptExecs(
  root: string,
  id: string,
  refine: Launch['refine'],
): Promise<ContainerProcess[]> {
  const adopted = await Promise.all(
    execRecords(root, id).map(async (record) => {
      const kept = await adoptKept(record, refine);
      if (!kept) return [];
      removeWhenTold(record, kept.process);
      return [new ProcessHandle({ containerId: id, runtimePid: 0, ...kept, tty: null })];
    }),
  );
  return adopted.flat();
}
