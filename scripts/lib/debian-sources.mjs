// Another Debian release's packages, from the mirrors this machine uses already, without touching its apt:
// a private configuration with its own lists, cache and (empty) package status, below .cache/apt.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** The machine's own Debian sources, whichever format they are written in, for another release. */
function sourcesFor(release) {
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
    const keys = existsSync(debianKeyring) ? `[signed-by=${debianKeyring}] ` : '';
    lines.add(`deb ${keys}${uri} ${release}${name.slice(own.length)} main`);
  }
  if (own === '' || lines.size === 0) {
    throw new Stop(`No Debian source was found in this machine's apt configuration to get '${release}' from`);
  }
  return `${[...lines].join('\n')}\n`;
}

function writeConfiguration(release) {
  const directory = path.join(repositoryRoot, '.cache/apt', release);
  for (const name of ['lists/partial', 'archives/partial', 'cache', 'preferences.d']) {
    mkdirSync(path.join(directory, name), { recursive: true });
  }
  writeFileSync(path.join(directory, 'sources.list'), sourcesFor(release));
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
// apt's own user often has no way into a checkout, for example one below /root.
APT::Sandbox::User "root";
`,
  );
  return { file, archives: path.join(directory, 'archives') };
}

/** Downloads packages of another release with all they depend on. Returns the directory that has them. */
export async function downloadPackages(release, packages) {
  if (isRoot) await refreshPackageLists();
  const { file, archives } = writeConfiguration(release);
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
