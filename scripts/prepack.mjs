// Before npm pack and npm publish: lib/ is made anew, and the binaries have to be those of these sources.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { buildAll } from './lib/build.mjs';
import { problemWithPrebuilds } from './lib/prebuilds.mjs';
import { repositoryRoot, runMain, Stop } from './lib/run.mjs';

runMain(async () => {
  const problem = problemWithPrebuilds();
  if (problem !== undefined) throw new Stop(`Not packed: ${problem}. Make them: npm run prebuilds`);
  rmSync(path.join(repositoryRoot, 'lib'), { recursive: true, force: true });
  await buildAll();
});
