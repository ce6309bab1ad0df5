import fs from 'node:fs';
import path from 'node:path';

const addonName = 'dobby_runc.node';
const platform = `${process.platform}-${process.arch}`;

/**
 * The directory of the addon and the helper programs: what was built here goes before what was shipped. They are
 * looked for from this file upwards, so that the same code finds them from dist/, from lib/ and from a bundle with
 * prebuilds/ copied beside it. DOBBY_RUNC_PREBUILD names another.
 */
function findBinaries(): string | undefined {
  const upwards = ['.', '..', '../..'].map((up) => path.join(__dirname, up));
  const places = upwards.flatMap((up) => [
    path.join(up, 'build', 'Release'),
    path.join(up, 'prebuilds', platform),
  ]);
  const { DOBBY_RUNC_PREBUILD: given } = process.env;
  if (given) places.unshift(given);
  return places.find((place) => fs.existsSync(path.join(place, addonName)));
}

const howToBuild = "'npx dobby-runc build' builds one (it needs a C++17 compiler, make and Python 3)";

/** Why loading failed and what to do, from the words of node and of the dynamic loader. */
function explainLoadFailure(file: string, cause: NodeJS.ErrnoException): string {
  const { code, message } = cause;
  if (code === 'ERR_DLOPEN_DISABLED') {
    return 'native addons are switched off in this process: start node with --allow-addons (or without --permission or --no-addons)';
  }
  if (code === 'ERR_ACCESS_DENIED') {
    return `node's permission model does not let it read ${file}: start node with --allow-fs-read=${path.dirname(file)} or more`;
  }
  const glibc = /version [`'](GLIBC_[\d.]+)' not found/.exec(message)?.[1];
  if (glibc !== undefined) {
    return `${file} needs ${glibc}, which this machine's C library is too old for: ${howToBuild}`;
  }
  if (
    /wrong ELF class|invalid ELF header|Exec format error/.test(message) ||
    message.includes(`${file}: cannot open`)
  ) {
    return `${file} is not for this machine (${platform}): remove it and install again here, or ${howToBuild}`;
  }
  return `${file} could not be loaded: ${message}`;
}

/** Loads the addon; throws an Error of one sentence that names the way out, with what node said as its cause. */
export function loadAddon(): unknown {
  const runtime = process.versions;
  // Bun's Node-API ends the process with a panic in the addon, so nothing may be loaded there.
  if (runtime.bun !== undefined) {
    throw new Error(
      `dobby-runc: Bun ${runtime.bun} cannot load it (its Node-API lacks libuv): use Node.js 20.4 or later`,
    );
  }
  if (process.platform !== 'linux') {
    throw new Error(
      `dobby-runc: it drives Linux containers, and this is ${process.platform}: run it on Linux`,
    );
  }
  const directory = addonDirectory();
  const file = path.join(directory, addonName);
  try {
    return require(file);
  } catch (cause) {
    throw new Error(`dobby-runc: ${explainLoadFailure(file, cause as NodeJS.ErrnoException)}`, { cause });
  }
}

/** The directory that has the addon, and beside it the helper programs. */
export function addonDirectory(): string {
  const directory = findBinaries();
  if (directory === undefined) {
    throw new Error(`dobby-runc: no binary for ${platform} in this package: ${howToBuild}`);
  }
  return directory;
}
