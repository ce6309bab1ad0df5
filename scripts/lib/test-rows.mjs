// The runtime matrix: which runtime is tested with which cgroups.
import { capture, repositoryRoot, say } from './run.mjs';
import { provideRuntimes } from './runtimes.mjs';

/** What npm test runs; the other combinations can be asked for by name or with --all-rows. */
const usualRows = [
  { kind: 'crun', release: 'bookworm', cgroup: 'v1' },
  { kind: 'runc', release: 'bookworm', cgroup: 'v1' },
  { kind: 'crun', release: 'trixie', cgroup: 'v2' },
  { kind: 'runc', release: 'bookworm', cgroup: 'v2' },
];

export const cgroupEnv = `${repositoryRoot}/scripts/cgroup-env`;

/** v1, v2, hybrid or none. */
export function machineCgroups() {
  return capture(cgroupEnv, ['--check']).trim();
}

function isSame({ kind, release, cgroup }) {
  return (row) => row.kind === kind && row.release === release && row.cgroup === cgroup;
}

/**
 * Every row that this machine can run, each with `isUsual`; and what the usual rows lack here, as sentences.
 */
export async function findRows() {
  const has = machineCgroups();
  const possible = { v1: ['v1', 'v2'], hybrid: ['v1', 'v2'], v2: ['v2'], none: [] }[has];
  const runtimes = await provideRuntimes();
  const rows = runtimes.flatMap((runtime) =>
    possible.map((cgroup) => ({ ...runtime, cgroup, name: `${runtime.name}-${cgroup}` })),
  );
  for (const row of rows) row.isUsual = usualRows.some(isSame(row)) || row.release === 'this machine';
  const lacking = usualRows
    .filter((usual) => !rows.some(isSame(usual)))
    .map(
      ({ kind, release, cgroup }) =>
        `${kind} of Debian '${release}' with cgroup ${cgroup} (machine's cgroups: ${has})`,
    );
  say(`Runtimes: ${runtimes.map(({ name, file }) => `${name} (${file})`).join(', ')}; cgroups: ${has}`);
  return { rows, lacking };
}
