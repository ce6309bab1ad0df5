// Another Debian release's packages, from the mirrors this machine uses already, without touching its apt:
// a private configuration with its own lists, cache and (empty) package status, below .cache/apt.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { aptGet, refreshPackageLists } from './apt.mjs';
import { capture, isRoot, repositoryRoot, Stop, say } from './run.mjs';

/** This machine's Debian release ('bookworm', 'trixie'), or '' when it is not Debian. */
export function machineRelease() {
  try {
    const fields = Object.fromEntries(
      readFileSync('/etc/os-release', 'utf8')
        .split('\n')
        .map((line) => line.split('=').map((part) => part.replaceAll('"', ''))),
    );
    return fields.ID === 'debian' ? (fields.VERSION_CODENAME ?? '') : '';
  } catch {
    return '';
  }
}

const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * The machine's own Debian sources, whichever format they are written in, for another release; of another
 * architecture only the release itself, whose lists never change while they are fetched.
 */
function sourcesFor(release, architecture) {
  const own = machineRelease();
  const targets = capture('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(COMPONENT)',
    'Created-By: Packages',
  ]);
  const lines = new Set();
  for (const target of targets.trim().split('\n')) {
    const [uri, suite, codename, component] = target.split('|');
    // Codenames come from the lists; a source never updated has only its suite.
    const name = [codename, suite].find((candidate) => candidate === own || candidate?.startsWith(`${own}-`));
    if (name === undefined || component !== 'main') continue;
    if (architecture !== undefined && name !== own) continue;
    const keys = existsSync(debianKeyring) ? `[signed-by=${debianKeyring}] ` : '';
    lines.add(`deb ${keys}${uri} ${release}${name.slice(own.length)} main`);
  }
  if (own === '' || lines.size === 0) {
    throw new Stop(`No Debian source was found in this machine's apt configuration to get '${release}' from`);
  }
  return `${[...lines].join('\n')}\n`;
}

function writeConfiguration(release, architecture) {
  const directory = path.join(
    repositoryRoot,
    '.cache/apt',
    [release, architecture].filter(Boolean).join('-'),
  );
  for (const name of ['lists/partial', 'archives/partial', 'cache', 'preferences.d']) {
    mkdirSync(path.join(directory, name), { recursive: true });
  }
  writeFileSync(path.join(directory, 'sources.list'), sourcesFor(release, architecture));
  // Nothing is installed here, so every library that a package needs is downloaded along with it.
  writeFileSync(path.join(directory, 'status'), '');
  const file = path.join(directory, 'apt.conf');
  writeFileSync(
    file,
    `#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Dir::Etc::sourcelist "${directory}/sources.list";
Dir::Etc::sourceparts "${directory}/preferences.d";
Dir::Etc::preferences "${directory}/preferences.d/none";
Dir::Etc::preferencesparts "${directory}/preferences.d";
Dir::State "${directory}";
Dir::State::lists "${directory}/lists";
Dir::State::status "${directory}/status";
Dir::State::extended_states "${directory}/extended_states";
Dir::Cache "${directory}/cache";
Dir::Cache::archives "${directory}/archives";
Acquire::Languages "none";
${architecture === undefined ? '' : `APT::Architecture "${architecture}";\nAPT::Architectures { "${architecture}"; };\n`}// apt's own user often has no way into a checkout, for example one below /root.
APT::Sandbox::User "root";
`,
  );
  return { file, archives: path.join(directory, 'archives') };
}

/**
 * Downloads packages of another release, or of another architecture (Debian's name for it, such as arm64), with all
 * they depend on. Returns the directory that has them.
 */
export async function downloadPackages(release, packages, { architecture } = {}) {
  if (isRoot) await refreshPackageLists();
  const { file, archives } = writeConfiguration(release, architecture);
  // Signatures are checked: any key of Debian's that the machine trusts.
  try {
    await aptGet(['-c', file, 'update', '--error-on=any']);
  } catch (error) {
    if (!isRoot || !error.message.includes('NO_PUBKEY')) throw error;
    say(`  this machine's Debian keys are older than ${release}: renewing debian-archive-keyring`);
    await aptGet(['install', '--yes', '--only-upgrade', 'debian-archive-keyring']);
    await aptGet(['-c', file, 'update', '--error-on=any']);
  }
  await aptGet(['-c', file, 'install', '--yes', '--download-only', '--no-install-recommends', ...packages]);
  return archives;
}

/**
 * The files of packages of another architecture, as one tree in .cache/NAME: unpacked, not installed. Only packages
 * whose name `isWanted` are unpacked of all that were needed.
 */
export async function unpackForeign(name, { release, architecture, packages, isWanted = () => true }) {
  const place = path.join(repositoryRoot, '.cache', name);
  if (existsSync(place)) return place;
  say(
    `Getting ${packages.join(', ')} of Debian '${release}' for ${architecture} (unpacked in .cache/${name})`,
  );
  const archives = await downloadPackages(release, packages, { architecture });
  mkdirSync(path.dirname(place), { recursive: true });
  const unpacking = mkdtempSync(`${place}.unpacking-`);
  for (const archive of readdirSync(archives)) {
    if (!archive.endsWith('.deb') || !isWanted(archive.split('_', 1)[0])) continue;
    capture('dpkg-deb', ['--extract', path.join(archives, archive), unpacking]);
  }
  // Where the loader is looked for. The base system makes this link, and that is not among the packages.
  if (!existsSync(path.join(unpacking, 'lib'))) symlinkSync('usr/lib', path.join(unpacking, 'lib'));
  renameSync(unpacking, place);
  rmSync(archives, { recursive: true, force: true });
  return place;
}
