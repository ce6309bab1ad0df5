import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { binaries, nativeBuild, nativeSource, repository } from './paths';

const mark = 'DOBBY_BENCH_INSIDE';

function newestMs(directory: string): number {
  return Math.max(
    ...fs.readdirSync(directory).map((name) => fs.statSync(path.join(directory, name)).mtimeMs),
  );
}

function isBuilt(): boolean {
  return Object.values(binaries).every(
    (file) => fs.existsSync(file) && fs.statSync(file).mtimeMs > newestMs(nativeSource),
  );
}

/** cmake-js wants Node's headers even for what does not use them, and downloads those that it is not told of. */
function localHeaders(): NodeJS.ProcessEnv {
  const prefix = path.dirname(path.dirname(process.execPath));
  return fs.existsSync(path.join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
}

/** Builds the C baseline and the containers' program, by cmake-js, when they are missing or older than their source. */
export function buildBaseline(): void {
  if (isBuilt()) return;
  process.stderr.write('Building the C baseline (bench/native)\n');
  const cmake = path.join(repository, 'node_modules', '.bin', 'cmake-js');
  const built = spawnSync(cmake, ['compile', '-d', nativeSource, '-O', nativeBuild, '-l', 'warn'], {
    encoding: 'utf8',
    env: { ...localHeaders(), ...process.env },
  });
  if (built.status !== 0) {
    throw new Error(`the C baseline does not build:\n${built.error?.message ?? built.stdout + built.stderr}`);
  }
  // cmake leaves what is up to date alone, and then its date would send us here every time.
  const now = new Date();
  for (const file of Object.values(binaries)) fs.utimesSync(file, now, now);
}

/**
 * /run is a tmpfs wherever an init system has booted the machine. In a container it is a part of the image: then the
 * command that follows gets a tmpfs of its own there, for state directories as they are in use.
 */
const onTmpfs = [
  'sh',
  '-c',
  'test "$(stat -f -c %T /run)" = tmpfs || exec unshare --mount --propagation private sh -c ' +
    '\'mount -t tmpfs -o mode=755 run /run && exec "$@"\' sh "$@"; exec "$@"',
  'sh',
];

/**
 * Runs this program again where runtimes work (scripts/cgroup-env) and leftover processes are reaped at once, as
 * below systemd or a container's init; null when it is running there already, else the exit code.
 */
export async function enterEnvironment(
  cgroup: 'auto' | 'v1' | 'v2',
  script: string,
  argv: readonly string[],
): Promise<number | null> {
  if (process.env[mark] !== undefined) return null;
  const child = spawn(
    path.join(repository, 'scripts', 'cgroup-env'),
    ['--own-tree', cgroup, ...onTmpfs, binaries.baseline, 'reap', '--', process.execPath, script, ...argv],
    { stdio: 'inherit', env: { ...process.env, [mark]: '1' } },
  );
  // A terminal's interrupt reaches the child without us; it cleans up, and we wait for that.
  process.on('SIGINT', () => {}).on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
