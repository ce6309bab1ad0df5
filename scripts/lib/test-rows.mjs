// The runtime matrix: which runtime is tested with which cgroups.
import { capture, repositoryRoot, say } from './run.mjs';
import { provideRuntimes } from './runtimes.mjs';

/**
 * What npm test runs: all tests on the newest of each kind with cgroup v2 and on the oldest with v1; on those between,
 * and the newest with v1, only what differs by runtime. The other combinations can be asked for by name or with
 * --all-rows.
 */
const usualRows = [
  { kind: 'crun', release: 'bookworm', cgroup: 'v1' },
  { kind: 'runc', release: 'bookworm', cgroup: 'v1' },
  { kind: 'crun', release: 'forky', cgroup: 'v2' },
  { kind: 'runc', release: 'forky', cgroup: 'v2' },
  { kind: 'crun', release: 'trixie', cgroup: 'v2', isPart: true },
  { kind: 'crun', release: 'forky', cgroup: 'v1', isPart: true },
  { kind: 'runc', release: 'trixie', cgroup: 'v2', isPart: true },
  { kind: 'runc', release: 'forky', cgroup: 'v1', isPart: true },
];

/** Where the tests are of what differs by runtime. */
export const partDirectories = ['test/command-line', 'test/direct', 'test/integration'];

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
  for (const row of rows) {
    const usual = usualRows.find((candidate) => isSame(candidate)(row));
    row.isUsual = usual !== undefined || row.release === 'this machine';
    row.isPart = usual?.isPart === true;
  }
  const lacking = usualRows
    .filter((usual) => !rows.some(isSame(usual)))
    .map(
      ({ kind, release, cgroup }) =>
        `${kind} of Debian '${release}' with cgroup ${cgroup} (machine's cgroups: ${has})`,
    );
  say(`Runtimes: ${runtimes.map(({ name, file }) => `${name} (${file})`).join(', ')}; cgroups: ${has}`);
  return { rows, lacking, runtimes };
}
