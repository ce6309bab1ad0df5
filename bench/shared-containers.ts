import { runBaseline } from './contestants/baseline';

export interface SharedContainers {
  runtime: string;
  root: string;
  bundle: string;
  /** Their ids are this and a number from 0 on. */
  prefix: string;
  count: number;
}

/** Containers that run while all contestants of a case are measured. Returns what removes them. */
export async function startShared(containers: SharedContainers): Promise<() => Promise<void>> {
  const options = { ...containers };
  await runBaseline('create-many', options);
  return async () => {
    await runBaseline('delete-many', options);
  };
}
