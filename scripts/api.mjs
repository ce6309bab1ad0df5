// npm run api: the public surface as it is recorded (docs/api-surface.md, by api-extractor) and the reference (docs/api.md, by
// typedoc). With --check nothing is written, and a surface that differs from the recorded one is a failure, as is a public
// name without a description that the record does not have already. --undocumented records those too.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installTools, packagePlace, packageTools } from './lib/package-tools.mjs';
import { capture, repositoryRoot, runMain, Stop, say } from './lib/run.mjs';
import { setUp } from './setup.mjs';

const place = path.join(packagePlace, 'api');
const surfaceFile = path.join(repositoryRoot, 'docs/api-surface.md');
const referenceFile = path.join(repositoryRoot, 'docs/api.md');
const entry = path.join(repositoryRoot, 'lib/types/index.d.ts');

const compilerOptions = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'node16',
  moduleResolution: 'node16',
  types: ['node'],
  typeRoots: [path.join(packageTools, 'node_modules/@types')],
  skipLibCheck: true,
};

function currentSurface() {
  const silent = { logLevel: 'none' };
  const config = {
    projectFolder: repositoryRoot,
    mainEntryPointFilePath: entry,
    compiler: { overrideTsconfig: { compilerOptions, files: [entry] } },
    apiReport: {
      enabled: true,
      reportFolder: place,
      reportTempFolder: path.join(place, 'new'),
      reportFileName: 'dobby-runc.api.md',
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      extractorMessageReporting: {
        'ae-missing-release-tag': silent,
        'ae-forgotten-export': silent,
        'ae-undocumented': { logLevel: 'none', addToApiReportFile: true },
      },
      tsdocMessageReporting: { default: silent },
    },
  };
  const file = path.join(place, 'api-extractor.json');
  writeFileSync(file, JSON.stringify(config));
  const program = path.join(packageTools, 'node_modules/@microsoft/api-extractor/bin/api-extractor');
  capture(process.execPath, [program, 'run', '--local', '--config', file]);
  const head = '# Public surface\n\nWritten by `npm run api`. A change here is a change for users.\n\n```ts';
  // The list at the end has numbers of lines, which move with every comment; '(undocumented)' stands where it is so.
  return readFileSync(path.join(place, 'dobby-runc.api.md'), 'utf8')
    .replaceAll('\r\n', '\n')
    .replace(/^## API Report.*\n[\s\S]*?```ts/, head)
    .replace(/^\/\/ (Warnings were encountered.*|lib\/types\/.*)\n+/gm, '');
}

/** Names without a description. Those of the runtime specification (Oci...) are described there. */
function undocumentedOf(surface) {
  const found = new Set();
  let holder = '';
  const lines = surface.split('\n');
  for (const [index, line] of lines.entries()) {
    holder = /^export (?:abstract )?\w+ (\w+)/.exec(line)?.[1] ?? holder;
    if (line.trim() !== '// (undocumented)' || holder.startsWith('Oci')) continue;
    found.add(
      `${holder}.${/[\w[\].]+/.exec(lines[index + 1].replace(/\b(readonly|static|get|set)\s/g, ''))?.[0]}`,
    );
  }
  return found;
}

function writeReference() {
  const made = path.join(place, 'reference');
  const config = path.join(place, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [entry] }));
  const program = path.join(packageTools, 'node_modules/typedoc/bin/typedoc');
  capture(
    process.execPath,
    [
      ...[program, '--tsconfig', config, '--entryPoints', entry, '--out', made, '--readme', 'none'],
      ...[
        '--plugin',
        'typedoc-plugin-markdown',
        '--outputFileStrategy',
        'modules',
        '--hidePageHeader',
        'true',
      ],
      ...['--disableSources', '--excludeExternals', '--logLevel', 'Error', '--name', 'dobby-runc: reference'],
    ],
    { cwd: packageTools },
  );
  renameSync(path.join(made, 'README.md'), referenceFile);
}

runMain(async () => {
  const isCheck = process.argv.includes('--check');
  await setUp('build');
  await installTools();
  rmSync(place, { recursive: true, force: true });
  mkdirSync(path.join(place, 'new'), { recursive: true });
  const surface = currentSurface();
  const recorded = existsSync(surfaceFile) ? readFileSync(surfaceFile, 'utf8') : '';
  const known = undocumentedOf(recorded);
  const missing = [...undocumentedOf(surface)].filter((name) => !known.has(name));
  if (missing.length > 0 && !process.argv.includes('--undocumented')) {
    throw new Stop(`Without a description: ${missing.join(', ')}`);
  }
  if (isCheck) {
    if (surface !== recorded)
      throw new Stop(
        'The public surface is not the recorded one: npm run api, and look at the change of docs/api-surface.md',
      );
    say('The public surface is as recorded');
    return;
  }
  writeFileSync(surfaceFile, surface);
  writeReference();
  say(
    `docs/api-surface.md and docs/api.md are written; ${undocumentedOf(surface).size} names have no description yet`,
  );
});
