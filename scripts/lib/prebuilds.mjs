// What the package's binaries are built from and how to tell whether they are. The stamp is of contents, not of a
// commit, so that a commit of documentation leaves them valid and a changed file does not, committed or not.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './run.mjs';

/** Directory below prebuilds/ (as process.platform-process.arch), Debian's name, and the ELF machine. */
export const targets = [
  {
    name: 'linux-x64',
    debian: 'amd64',
    triplet: 'x86_64-linux-gnu',
    machine: 'Advanced Micro Devices X86-64',
  },
  { name: 'linux-arm64', debian: 'arm64', triplet: 'aarch64-linux-gnu', machine: 'AArch64' },
  { name: 'linux-arm', debian: 'armhf', triplet: 'arm-linux-gnueabihf', machine: 'ARM' },
];

export const prebuildsDirectory = path.join(repositoryRoot, 'prebuilds');
export const stampFile = path.join(prebuildsDirectory, 'stamp.json');

const inputs = ['CMakeLists.txt', 'packaging/cmake', 'native', 'scripts/prebuilds.mjs'];
const isInput = (file) => !/^native\/(test|fuzz|fault)\//.test(file);

function filesBelow(name) {
  const file = path.join(repositoryRoot, name);
  try {
    return readdirSync(file)
      .sort()
      .flatMap((entry) => filesBelow(`${name}/${entry}`));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [name];
    throw error;
  }
}

/** A hash of all that the binaries are made of, compilers aside. */
export function sourceHash() {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap(filesBelow).filter(isInput)) {
    hash.update(`${file}\0`);
    hash.update(
      createHash('sha256')
        .update(readFileSync(path.join(repositoryRoot, file)))
        .digest(),
    );
  }
  return hash.digest('hex');
}

export function fileHash(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Why what is in prebuilds/ must not be packed; undefined when it may. */
export function problemWithPrebuilds() {
  if (!existsSync(stampFile)) return 'there are no prebuilt binaries';
  const stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
  if (stamp.source !== sourceHash()) return 'the prebuilt binaries are of other sources than these';
  for (const target of targets) {
    const built = stamp.files[target.name] ?? {};
    if (!('dobby_runc.node' in built)) return `prebuilds/${target.name} is missing`;
    for (const [name, hash] of Object.entries(built)) {
      const file = path.join(prebuildsDirectory, target.name, name);
      if (!existsSync(file)) return `prebuilds/${target.name}/${name} is missing`;
      if (fileHash(file) !== hash) return `prebuilds/${target.name}/${name} is not what was built`;
    }
  }
  return undefined;
}
