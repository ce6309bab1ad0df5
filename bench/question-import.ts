import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { repository } from './paths';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { add } from './timing';

const run = promisify(execFile);

export const importing: Question = {
  name: 'import',
  asks: 'How long does importing it take, and how large is it?',
  how:
    'A new Node process for every sample; inside it, the time of the first import. Sizes: the tarball and what it ' +
    'unpacks to (execa: as installed), with everything it depends on, and the native binary.',
  measures: [
    { name: 'import', title: 'time to import', unit: 'ns', better: 'lower' },
    { name: 'tarball', title: 'tarball', unit: 'bytes', better: 'lower' },
    { name: 'installed', title: 'installed', unit: 'bytes', better: 'lower' },
    { name: 'binary', title: 'native binary', unit: 'bytes', better: 'lower' },
  ],
  across: 'measures',
  cases: (scale: Scale) => [
    {
      params: {},
      contestants: ['spawn', 'execa', 'dobby'],
      rounds: pick(scale, { smoke: 1, quick: 3, full: 5 }),
      samples: pick(scale, { smoke: 1, quick: 4, full: 8 }),
      warmup: 1,
    },
  ],
  run: measureImport,
};

const specifiers: Record<string, string> = {
  spawn: 'node:child_process',
  execa: 'execa',
  // As a user's import finds it: by the package's main.
  dobby: repository,
};

async function measureImport(job: Job): Promise<Samples> {
  const specifier = specifiers[job.contestant] as string;
  const how = job.contestant === 'execa' ? `await import('${specifier}')` : `require('${specifier}')`;
  const script = `(async () => { const start = process.hrtime.bigint(); ${how}; console.log(String(process.hrtime.bigint() - start)); })()`;
  const samples: Samples = {};
  for (let i = -job.warmup; i < job.samples; i++) {
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: repository });
    if (i >= 0) add(samples, 'import', Number(stdout));
  }
  return { ...samples, ...(await sizes(job.contestant)) };
}

async function sizes(contestant: string): Promise<Samples> {
  if (contestant === 'execa') return { installed: [installedBytes('execa')] };
  if (contestant !== 'dobby') return {};
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: repository,
  });
  const parsed = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
  const packed = Object.values(parsed)[0] as Packed;
  const binary = path.join(repository, 'build', 'Release', 'dobby_runc.node');
  return {
    tarball: [packed.size],
    installed: [packed.unpackedSize],
    ...(fs.existsSync(binary) ? { binary: [fs.statSync(binary).size] } : {}),
  };
}

interface Packed {
  size: number;
  unpackedSize: number;
}

/** A package with everything that it depends on, as installed here. */
function installedBytes(name: string, seen = new Set<string>()): number {
  const directory = path.join(repository, 'node_modules', name);
  if (seen.has(name) || !fs.existsSync(directory)) return 0;
  seen.add(name);
  const { dependencies = {} } = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  let bytes = 0;
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += fs.statSync(path.join(entry.parentPath, entry.name)).size;
  }
  for (const dependency of Object.keys(dependencies)) bytes += installedBytes(dependency, seen);
  return bytes;
}
