import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const usage = `usage: dobby-runc build [--headers DIRECTORY] [--compiler C++-COMPILER]
Compiles the addon and its helper programs into this package's build/Release, where it is looked for first.
Needs a C++17 compiler and Node's headers.
  --headers   the directory with node_api.h and uv.h; default: include/node beside this Node, or what node-gyp has fetched
  --compiler  default: c++ (and cc for the helper programs), or the environment's CXX and CC
`;

/** The package's directory: this file is in its lib/, or in dist/src/cli of a checkout. */
function packageDirectory(): string {
  const found = ['..', '../../..']
    .map((up) => path.join(__dirname, up))
    .find((directory) => fs.existsSync(path.join(directory, 'native/addon.cc')));
  if (found === undefined) throw new Error('build: the sources (native/) are not in this package');
  return found;
}

function findHeaders(given: string | undefined): string {
  const { HOME = '/', npm_config_nodedir: nodedir } = process.env;
  const places = [
    given,
    nodedir && path.join(nodedir, 'include/node'),
    path.resolve(process.execPath, '../../include/node'),
    path.join(HOME, '.cache/node-gyp', process.versions.node, 'include/node'),
    '/usr/include/node',
    '/usr/include/nodejs/src',
  ].filter((place): place is string => Boolean(place));
  const found = places.find((place) => fs.existsSync(path.join(place, 'node_api.h')));
  if (found !== undefined) return found;
  throw new Error(
    `build: Node's headers are in none of ${places.join(', ')}: 'npx node-gyp install' fetches them, or name theirs with --headers`,
  );
}

/** Shipped with the package; in a checkout of its own, node_modules has it. */
function findNapi(root: string): string {
  const places = ['lib/node-addon-api', 'node_modules/node-addon-api'].map((place) => path.join(root, place));
  const found = places.find((place) => fs.existsSync(path.join(place, 'napi.h')));
  if (found === undefined) throw new Error(`build: napi.h is in none of ${places.join(', ')}`);
  return found;
}

function compile(root: string, compiler: string, args: string[]): void {
  const { status, error } = spawnSync(compiler, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) {
    throw new Error(
      `build: ${compiler} cannot be started (${error.message}): install a C++17 compiler (Debian: apt-get install g++)`,
    );
  }
  if (status !== 0) throw new Error(`build: ${compiler} ended with ${status}`);
}

function hasStaticLibc(compiler: string): boolean {
  const options = ['-static', '-x', 'c', '-', '-o', '/dev/null'];
  return spawnSync(compiler, options, { input: 'int main(void) { return 0; }' }).status === 0;
}

/** The same settings as binding.gyp and CMakeLists.txt. */
const settings = {
  common: ['-O2', '-Wall', '-Wextra', '-ffunction-sections', '-fdata-sections'],
  addon: [
    ...['-std=c++17', '-fPIC', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden', '-Wno-psabi'],
    ...['-DNAPI_VERSION=8', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DNODE_ADDON_API_DISABLE_DEPRECATED'],
    ...['-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', '-DBUILDING_NODE_EXTENSION', '-D_GLIBCXX_ASSERTIONS'],
    ...['-D_GNU_SOURCE', '-D_FILE_OFFSET_BITS=64'],
  ],
  link: [
    ...[
      '-shared',
      '-static-libstdc++',
      '-static-libgcc',
      '-s',
      '-Wl,--gc-sections',
      '-Wl,--exclude-libs,ALL',
    ],
    ...['-Wl,-z,relro,-z,now,-z,nodelete', '-Wl,--version-script=native/exports.map'],
  ],
};

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { headers: { type: 'string' }, compiler: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { CXX, CC = 'cc' } = process.env;
  const compiler = values.compiler ?? CXX ?? 'c++';
  const root = packageDirectory();
  const headers = [findHeaders(values.headers), findNapi(root)].flatMap((place) => ['-isystem', place]);
  const place = path.join(root, 'build/Release');
  fs.mkdirSync(place, { recursive: true });
  const objects = fs.mkdtempSync(path.join(place, '.objects-'));
  try {
    const sources = fs.readdirSync(path.join(root, 'native')).filter((name) => name.endsWith('.cc'));
    const made: string[] = [];
    for (const [index, name] of sources.entries()) {
      process.stdout.write(`[${index + 1}/${sources.length}] native/${name}\n`);
      const object = path.join(objects, `${name}.o`);
      compile(root, compiler, [
        ...settings.common,
        ...settings.addon,
        ...headers,
        ...['-c', `native/${name}`, '-o', object],
      ]);
      made.push(object);
    }
    compile(root, compiler, [...made, ...settings.link, '-o', path.join(place, 'dobby_runc.node')]);
    const isStatic = hasStaticLibc(CC) ? ['-static'] : [];
    const keeper = path.join(place, 'dobby-keeper');
    compile(root, CC, [...settings.common, 'native/keeper/keeper.c', '-s', ...isStatic, '-o', keeper]);
  } finally {
    fs.rmSync(objects, { recursive: true, force: true });
  }
  const check = spawnSync(process.execPath, [
    '-e',
    'require(process.argv[1]).open()',
    path.join(place, 'dobby_runc.node'),
  ]);
  if (check.status !== 0) throw new Error(`build: what was built does not load: ${String(check.stderr)}`);
  process.stdout.write(`${place}: dobby_runc.node and dobby-keeper, loaded once as a check\n`);
  return 0;
}
