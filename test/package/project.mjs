// A project of a user of the package: an empty directory, the tarball installed, a PATH without a compiler.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const tarball = process.env.DOBBY_PACKAGE_TARBALL;
export const tools = path.join(process.env.DOBBY_PACKAGE_TOOLS, 'node_modules');
export const cgroupEnv = path.join(repository, 'scripts/cgroup-env');

/** Node binaries by their major version. */
export const nodes = Object.fromEntries([
  [process.versions.node.split('.')[0], process.execPath],
  ...['node22', 'node24', 'node26'].map((name) => [name.slice(4), path.join(tools, name, 'bin/node')]),
]);

const made = [];
process.on('exit', () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

export function temporary(name) {
  const directory = mkdtempSync(path.join(tmpdir(), `dobby-package-${name}-`));
  made.push(directory);
  // An ordinary user has to get in, too.
  chmodSync(directory, 0o755);
  return directory;
}

/** A directory that has a Node and a few programs of the system, and no compiler: all that is on PATH. */
function programs(node) {
  const directory = temporary('bin');
  const names =
    'sh env uname cat rm mkdir tar gzip sed cp ls id mount unshare stat setpriv sleep mktemp dirname grep awk basename tr sort head cut find kill rmdir readlink mountpoint umount crun runc newuidmap newgidmap docker chmod'.split(
      ' ',
    );
  for (const name of names) {
    const found = process.env.PATH.split(':')
      .map((place) => path.join(place, name))
      .find(existsSync);
    if (found !== undefined) symlinkSync(found, path.join(directory, name));
  }
  symlinkSync(node, path.join(directory, 'node'));
  return directory;
}

const pathOf = new Map();

/** Runs a program in a project. Returns { status, stdout, stderr }. */
export function run(directory, program, args, { node = process.execPath, env = {}, uid } = {}) {
  if (!pathOf.has(node)) pathOf.set(node, programs(node));
  const result = spawnSync(program === 'node' ? node : program, args, {
    cwd: directory,
    encoding: 'utf8',
    timeout: 120_000,
    uid,
    gid: uid,
    env: {
      PATH: pathOf.get(node),
      HOME: directory,
      CI: 'true',
      DOBBY_BUSYBOX: process.env.DOBBY_BUSYBOX,
      ...env,
    },
  });
  return {
    status: result.status ?? result.signal ?? String(result.error),
    stdout: result.stdout,
    stderr: result.stderr,
  };
}

const npm = path.join(
  [
    process.env.npm_execpath,
    '/usr/lib/node_modules/npm/bin/npm-cli.js',
    '/usr/local/lib/node_modules/npm/bin/npm-cli.js',
  ].find((file) => file?.endsWith('npm-cli.js') && existsSync(file)),
);

export const managers = {
  npm: [npm, 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'],
  pnpm: [path.join(tools, 'pnpm/bin/pnpm.cjs'), 'add', '--ignore-scripts', '--offline'],
  yarn: [path.join(tools, 'yarn/bin/yarn.js'), 'add', '--ignore-scripts', '--offline', '--no-lockfile'],
};

/** An empty project with the package in it; `files` are its own, by name. */
export function project(name, { manager = 'npm', files = {}, node } = {}) {
  const directory = temporary(name);
  writeFileSync(
    path.join(directory, 'package.json'),
    '{ "name": "project", "version": "1.0.0", "private": true }\n',
  );
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  }
  const installed = run(
    directory,
    'node',
    [...managers[manager], manager === 'yarn' ? `file:${tarball}` : tarball],
    {
      node,
      env: {
        npm_config_update_notifier: 'false',
        npm_config_cache: path.join(directory, '.npm'),
        XDG_CACHE_HOME: path.join(directory, '.cache'),
      },
    },
  );
  if (installed.status !== 0) throw new Error(`${manager}: ${installed.stdout}${installed.stderr}`);
  return directory;
}

/** Makes a tool visible to a project, without its being installed there. */
export function link(directory, name, as = name) {
  const to = path.join(directory, 'node_modules', as);
  mkdirSync(path.dirname(to), { recursive: true });
  symlinkSync(path.join(tools, name), to);
}
