// npm run prebuilds: the addon and the helper programs for every architecture that the package ships, by CMake and
// Debian's cross compilers, into prebuilds/. From nothing; does nothing when they are up to date (--force builds).
//
// What makes one file run on glibc 2.28 and newer and on musl is checked here, not hoped for: which libraries it
// needs and which symbol versions; that helpers need no library at all; sizes.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installMissing } from './lib/apt.mjs';
import { installModules } from './lib/build.mjs';
import { provideMusl } from './lib/musl.mjs';
import {
  fileHash,
  prebuildsDirectory,
  problemWithPrebuilds,
  sourceHash,
  stampFile,
  targets,
} from './lib/prebuilds.mjs';
import { capture, nodeHeaders, repositoryRoot, runMain, Stop, say } from './lib/run.mjs';

const glibcFloor = [2, 28];
const maxBytes = 150_000;
const maxHelperBytes = 100_000;
// All of libc, which node itself has loaded. libm is for floor(), which armv7 has no instruction for; the loader is
// named by what uses thread-local variables.
const allowedLibraries = /^(libm\.so\.6|libc\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux.*\.so\.\d)$/;

async function build(target) {
  const directory = path.join(repositoryRoot, 'build-cmake/prebuilds', target.name);
  const { include, lib } = await provideMusl(target);
  const toolchain = path.join(repositoryRoot, 'packaging/cmake', `${target.name}.cmake`);
  const settings = [
    // As fast as -O2 on every call measured (each is a system call or two), and a third smaller.
    '-DCMAKE_BUILD_TYPE=MinSizeRel',
    `-DCMAKE_JS_INC=${nodeHeaders()}`,
    `-DDOBBY_MUSL_INCLUDE=${include}`,
    `-DDOBBY_MUSL_LIB=${lib}`,
    // Nothing of this machine's paths in the binaries.
    ...['C', 'CXX'].map((language) => `-DCMAKE_${language}_FLAGS=-ffile-prefix-map=${repositoryRoot}=.`),
    ...(existsSync(toolchain) ? [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`] : []),
  ];
  rmSync(directory, { recursive: true, force: true });
  capture('cmake', ['-S', '.', '-B', directory, ...settings]);
  capture('cmake', ['--build', directory, '--parallel', '2']);
  const place = path.join(prebuildsDirectory, target.name);
  mkdirSync(place, { recursive: true });
  const names = readdirSync(directory).filter((name) => /^dobby(_runc\.node|-[a-z-]+)$/.test(name));
  for (const name of names) {
    const file = path.join(place, name);
    copyFileSync(path.join(directory, name), file);
    capture(`${target.triplet}-strip`, ['--strip-all', file]);
  }
  return names;
}

function elf(file, flags) {
  return capture('readelf', ['--wide', ...flags, file], { env: { ...process.env, LC_ALL: 'C' } });
}

/** What is wrong with a binary, as sentences. */
function problemsOf(target, name) {
  const file = path.join(prebuildsDirectory, target.name, name);
  const problems = [];
  const isHelper = name !== 'dobby_runc.node';
  const machine = /Machine:\s+(.*)/.exec(elf(file, ['-h']))[1];
  if (machine !== target.machine) problems.push(`is for ${machine}`);
  const { size } = statSync(file);
  const most = isHelper ? maxHelperBytes : maxBytes;
  if (size > most) problems.push(`has ${size} bytes, more than ${most}`);
  if (isHelper) {
    if (/INTERP|DYNAMIC/.test(elf(file, ['-l']))) problems.push('is not static');
  } else {
    const needed = [...elf(file, ['-d']).matchAll(/NEEDED.*\[(.*)\]/g)].map(([, library]) => library);
    for (const library of needed) if (!allowedLibraries.test(library)) problems.push(`needs ${library}`);
    const versions = new Set([...elf(file, ['-V']).matchAll(/Name: (\S+)/g)].map(([, version]) => version));
    for (const version of versions) {
      const [major, minor] = (/^GLIBC_(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
      if (major === undefined) problems.push(`needs ${version}`);
      else if (major !== glibcFloor[0] || minor > glibcFloor[1]) problems.push(`needs ${version}`);
    }
    const undefinedSymbols = [...elf(file, ['--dyn-syms']).matchAll(/ UND (\S+)/g)].map(
      ([, symbol]) => symbol,
    );
    for (const symbol of undefinedSymbols) {
      if (symbol.startsWith('_ZN') || symbol.startsWith('__cxa_guard'))
        problems.push(`needs ${symbol} of libstdc++`);
    }
  }
  return problems.map((problem) => `prebuilds/${target.name}/${name} ${problem}`);
}

runMain(async () => {
  if (!process.argv.includes('--force') && problemWithPrebuilds() === undefined) {
    say('prebuilds/ is up to date');
    return 0;
  }
  await installMissing(['compiler', 'make', 'cmake', 'crossArm64', 'crossArm']);
  await installModules();
  rmSync(prebuildsDirectory, { recursive: true, force: true });
  const source = sourceHash();
  const files = {};
  const problems = [];
  for (const target of targets) {
    const names = await build(target);
    for (const name of names) problems.push(...problemsOf(target, name));
    const place = path.join(prebuildsDirectory, target.name);
    files[target.name] = Object.fromEntries(names.map((name) => [name, fileHash(path.join(place, name))]));
    say(
      `${target.name}: ${names.map((name) => `${name} ${statSync(path.join(place, name)).size}`).join(', ')} bytes`,
    );
  }
  if (problems.length > 0) throw new Stop(problems.join('\n'));
  writeFileSync(stampFile, `${JSON.stringify({ source, files }, null, 2)}\n`);
  return 0;
});
