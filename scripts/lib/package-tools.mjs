// Programs that only the packed package and its reference are looked at with: too many for everybody's node_modules.
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { captureWithRetries, npmCommand, repositoryRoot, say } from './run.mjs';

export const packagePlace = path.join(repositoryRoot, '.cache/package');
export const packageTools = path.join(packagePlace, 'tools');
const toolFiles = ['package.json', 'package-lock.json'];

/** What the package is tried and described with, by the lock file in test/package/tools. */
export async function installTools() {
  const wanted = path.join(repositoryRoot, 'test/package/tools');
  const isSame = toolFiles.every((name) => {
    try {
      return (
        readFileSync(path.join(packageTools, name), 'utf8') === readFileSync(path.join(wanted, name), 'utf8')
      );
    } catch {
      return false;
    }
  });
  if (isSame) return;
  say('npm ci: what the package is tried with (test/package/tools)');
  mkdirSync(packageTools, { recursive: true });
  for (const name of toolFiles) rmSync(path.join(packageTools, name), { force: true });
  copyFileSync(path.join(wanted, 'package-lock.json'), path.join(packageTools, 'package-lock.json'));
  copyFileSync(path.join(wanted, 'package.json'), path.join(packageTools, 'package.json'));
  const [npm, first] = npmCommand();
  try {
    await captureWithRetries(npm, [
      ...first,
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      packageTools,
    ]);
  } catch (error) {
    rmSync(path.join(packageTools, 'package.json'), { force: true });
    throw error;
  }
}
