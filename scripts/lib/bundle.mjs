// lib/: what the package ships of src/. One file per entry, since loading 80 small ones takes 38 ms where one takes a
// few; the declarations beside them as tsc makes them.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryRoot, runMain, Stop } from './run.mjs';

const inRepository = (...parts) => path.join(repositoryRoot, ...parts);

/** lib's files by their sources. Faces other than the index take it from lib/index.js: one copy of it in a process. */
function entries() {
  const faces = {
    index: 'src/index.ts',
    cli: 'src/cli/main.ts',
    compat: 'src/compat/index.ts',
    otel: 'src/otel/index.ts',
  };
  return Object.entries(faces).filter(([, source]) => existsSync(inRepository(source)));
}

const indexIsShared = {
  name: 'index-is-shared',
  setup(build) {
    build.onResolve({ filter: /^\.\.\/(\.\.\/)?index$/ }, () => ({ path: './index.js', external: true }));
  },
};

// Node's own modules are taken as they are: esbuild's interop copies every name of every one for every file that imports
// it, which was 5 ms. Those in `late` are loaded when first used: their loading was 3 ms.
const late = ['node:crypto', 'node:fs/promises', 'node:timers/promises'];
const builtins = `const nodeModules = {};
function nodeModule(name) {
  const found = require(name);
  return (nodeModules[name] ??= { __proto__: found, default: found });
}
const lateModule = (name) => new Proxy({}, { get: (_, key) => nodeModule(name)[key] });
`;

function takeBuiltins(code) {
  const take = (_, name) => `=${late.includes(name) ? 'lateModule' : 'nodeModule'}("${name}")`;
  const taken = code
    .replace(/=\s*__toESM\(\s*require\(\s*"(node:[^"]+)"\s*\)\s*\)/g, take)
    .replace(/=\s*require\(\s*"(node:[^"]+)"\s*\)/g, take);
  // "use strict" has to stay the first statement.
  return taken.replace('"use strict";', `"use strict";\n${builtins}`);
}

/** Needs node_modules and dist/src (tsc). */
export async function bundlePackage() {
  const { build } = await import('esbuild');
  const made = path.join(repositoryRoot, 'lib');
  mkdirSync(made, { recursive: true });
  for (const [name, source] of entries()) {
    const { warnings, outputFiles } = await build({
      entryPoints: [inRepository(source)],
      outfile: path.join(made, `${name}.js`),
      absWorkingDir: repositoryRoot,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20.4',
      // Small to compile, and names in stack traces stay as they are in src/.
      minifySyntax: true,
      minifyWhitespace: true,
      lineLimit: 120,
      write: false,
      plugins: name === 'index' ? [] : [indexIsShared],
      banner: name === 'cli' ? { js: '#!/usr/bin/env node' } : {},
      logLevel: 'silent',
    });
    if (warnings.length > 0) throw new Stop(warnings.map(({ text }) => text).join('\n'));
    writeFileSync(path.join(made, `${name}.js`), takeBuiltins(outputFiles[0].text));
  }
  copyDeclarations(made);
  // What `dobby-runc build` compiles with, so that it needs no registry. MIT, with its licence.
  const napi = path.join(made, 'node-addon-api');
  mkdirSync(napi, { recursive: true });
  for (const name of ['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h', 'LICENSE.md']) {
    copyFileSync(inRepository('node_modules/node-addon-api', name), path.join(napi, name));
  }
}

/** The declarations that the entries lead to. */
function copyDeclarations(made) {
  const place = path.join(made, 'types');
  rmSync(place, { recursive: true, force: true });
  const queue = entries()
    .filter(([name]) => name !== 'cli')
    .map(([, source]) => source.replace(/\.ts$/, '.d.ts'));
  const seen = new Set();
  for (const name of queue) {
    if (seen.has(name)) continue;
    seen.add(name);
    const file = inRepository('dist', name);
    const text = readFileSync(file, 'utf8').replace(/\n?\/\/# sourceMappingURL.*\n?/, '\n');
    const to = path.join(place, path.relative('src', name));
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, text);
    for (const [, specifier] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)['"]/g)) {
      queue.push(`${path.join(path.dirname(name), specifier)}.d.ts`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) runMain(bundlePackage);
