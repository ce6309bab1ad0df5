// musl of another architecture, by Debian's packages, and a look at whether the prebuilt addon loads with it.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { machineRelease, unpackForeign } from './debian-sources.mjs';
import { capture, repositoryRoot } from './run.mjs';

/** musl's headers and libc.a for a target, and its loader, which is its libc.so too. */
export async function provideMusl({ name, debian, triplet }) {
  const tree = await unpackForeign(`musl/${name}`, {
    release: machineRelease(),
    architecture: debian,
    packages: ['musl-dev'],
    isWanted: (archive) => archive.startsWith('musl'),
  });
  const musl = triplet.replace('-gnu', '-musl');
  return {
    include: path.join(tree, 'usr/include', musl),
    lib: path.join(tree, 'usr/lib', musl),
    loader: path.join(tree, 'lib', musl, 'libc.so'),
  };
}

const probe = `#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char** argv) {
  if (argc == 2 && dlopen(argv[1], RTLD_NOW)) return puts("loaded") < 0;
  puts(dlerror());
  return 1;
}
`;

/**
 * Loads the addon in a program of musl that has every function of Node and libuv that it asks for (as empty ones): what
 * is found missing then is libc's. No registry here has a Node of musl. Throws Stop with the loader's words.
 */
export async function checkOnMusl(target, addon, emulator = []) {
  const { include, lib, loader } = await provideMusl(target);
  const directory = path.join(repositoryRoot, 'build-cmake/musl', target.name);
  mkdirSync(directory, { recursive: true });
  const symbols = capture('readelf', ['--wide', '--dyn-syms', addon]).matchAll(
    / UND ((?:napi|node_api|uv)_\w+)/g,
  );
  const stubs = [...new Set([...symbols].map(([, name]) => name))].map((name) => `void ${name}(void) {}`);
  const source = path.join(directory, 'probe.c');
  writeFileSync(source, `${probe}${stubs.join('\n')}\n`);
  const program = path.join(directory, 'probe');
  capture(`${target.triplet}-gcc`, [
    ...[
      '-nostdinc',
      '-isystem',
      include,
      '-nostdlib',
      '-no-pie',
      '-fno-pie',
      '-rdynamic',
      source,
      '-o',
      program,
    ],
    ...[`${lib}/crt1.o`, `${lib}/crti.o`, loader, '-lgcc', `${lib}/crtn.o`],
  ]);
  const [first, ...rest] = [...emulator, loader, program, addon];
  capture(first, rest);
}
