// npm run lint:native: clang-tidy over native/, by the rules in .clang-tidy. Arguments: files instead of all.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { installMissing } from './lib/apt.mjs';
import { clangVersion } from './lib/clang.mjs';
import { capture, nodeHeaders, passThrough, repositoryRoot, runMain } from './lib/run.mjs';
import { setUp } from './setup.mjs';

const build = path.join(repositoryRoot, 'build-cmake/tidy');

runMain(async () => {
  await setUp('build', { extra: ['cmake'] });
  await installMissing(['clangTidy']);
  const settings = [
    '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON',
    '-DDOBBY_TESTS=ON',
    `-DCMAKE_JS_INC=${nodeHeaders()}`,
  ];
  capture('cmake', ['-S', '.', '-B', build, ...settings]);
  const all = readdirSync(path.join(repositoryRoot, 'native'))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => path.join('native', name));
  const files = process.argv.length > 2 ? process.argv.slice(2) : all;
  return passThrough(`clang-tidy-${clangVersion()}`, ['-quiet', '-p', build, ...files]);
});
