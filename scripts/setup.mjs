// What the demo, the tests and CI call first. Installs what is missing, says what and why, asks nothing, and
// does nothing when all is there. It runs before anything is built, so it is plain JavaScript for Node alone.
//   node scripts/setup.mjs [build|demo|test|ci]
import { pathToFileURL } from 'node:url';
import { installMissing } from './lib/apt.mjs';
import { buildAll } from './lib/build.mjs';
import { runMain } from './lib/run.mjs';
import { provideRuntimes } from './lib/runtimes.mjs';

const purposes = {
  build: ['compiler', 'make', 'python'],
  demo: ['crun', 'busybox', 'compiler', 'make', 'python'],
  test: ['crun', 'runc', 'busybox', 'compiler', 'make', 'python', 'cmake', 'patchelf'],
};
purposes.ci = [...purposes.test, 'valgrind', 'clang', 'fuzzer'];

/** @param {'build' | 'demo' | 'test' | 'ci'} purpose */
export async function setUp(purpose, { extra = [] } = {}) {
  await installMissing([...purposes[purpose], ...extra]);
  await buildAll();
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  runMain(async () => {
    const purpose = process.argv[2] ?? 'test';
    if (!Object.hasOwn(purposes, purpose)) {
      console.error(`usage: node scripts/setup.mjs [${Object.keys(purposes).join('|')}]`);
      return 2;
    }
    await setUp(purpose);
    if (purpose === 'test' || purpose === 'ci') {
      for (const { name, file } of await provideRuntimes()) console.log(`  ${name}: ${file}`);
    }
    return 0;
  });
}
