import path from 'node:path';

/** The repository; this file is compiled to dist/bench. */
export const repository = path.join(__dirname, '..', '..');
export const nativeSource = path.join(repository, 'bench', 'native');
export const nativeBuild = path.join(repository, 'build-cmake', 'bench');
export const resultsDirectory = path.join(repository, 'bench', 'results');
/** Competitors that are not development dependencies: `npm install --prefix .cache/bench node-pty`. */
export const competitorsDirectory = path.join(repository, '.cache', 'bench');

export const binaries = {
  baseline: path.join(nativeBuild, 'bin', 'baseline'),
  probe: path.join(nativeBuild, 'bin', 'probe'),
};
