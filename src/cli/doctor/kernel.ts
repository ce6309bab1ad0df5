import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { addonDirectory } from '../../load-addon';
import type { Addon } from '../../native';
import { bad, type Finding, good, lack, note } from './finding';

function read(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The addon, or why it does not load: the first thing that everything else needs. */
export function loadNative(): { native: Addon } | { why: string } {
  try {
    const { native } = require('../../native') as typeof import('../../native');
    return { native };
  } catch (error) {
    return { why: (error as Error).message.replace(/^dobby-runc: /, '') };
  }
}

export function nodeFindings(loaded: ReturnType<typeof loadNative>): Finding[] {
  const { node, glibc } = { node: process.versions.node, glibc: libc() };
  const found = `Node ${node}, ${process.platform}-${process.arch}, ${glibc}`;
  if ('why' in loaded) return [bad('node', found, loaded.why, 'see above')];
  return [good('node', `${found}; the addon loads from ${addonDirectory()}`)];
}

function libc(): string {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
}

/** Whether a program can be started from a memfd: by starting one. */
function startFromMemfd(native: Addon): string | undefined {
  const program = fs.openSync('/proc/self/exe', 'r');
  try {
    const image = native.sealedImage(program);
    if (image < 0) return `a sealed memfd cannot be made (${errnoName(-image)})`;
    const out = new Int32Array(4);
    const env = ['PATH=/usr/bin:/bin'];
    native.spawn(
      ['/proc/self/exe', '/', 'node', '--version', ...env].join('\0'),
      2,
      new Int32Array([-1, -1, -1]),
      image,
      out,
    );
    native.close(image);
    if (out[2] !== 0)
      return `it is refused (${errnoName(out[2] as number)}, vm.memfd_noexec ${read('/proc/sys/vm/memfd_noexec') ?? 'unknown'})`;
    native.close(out[1] as number);
    return undefined;
  } finally {
    fs.closeSync(program);
  }
}

function errnoName(errno: number): string {
  return Object.entries(os.constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
}

export function kernelFindings(native: Addon): Finding[] {
  const findings: Finding[] = [];
  const pidfd = native.pidfdOpen(process.pid);
  if (pidfd < 0) {
    findings.push(
      bad(
        'kernel',
        `Linux ${os.release()}: no pidfds`,
        'processes cannot be watched',
        'use Linux 5.4 or newer',
      ),
    );
  } else {
    native.close(pidfd);
    findings.push(good('kernel', `Linux ${os.release()}: pidfds`));
  }
  findings.push(
    native.hasPidfdExitInfo() === 1
      ? good('exit status', 'told by the kernel also of processes that are not our children (PIDFD_GET_INFO)')
      : lack(
          'exit status',
          'not told of processes that are not our children (PIDFD_GET_INFO)',
          "after a restart, or with reaper: 'off', exits are known without their code (docs/exits.md)",
          "Linux 6.15 or newer, or keeper: 'own'",
        ),
  );
  const refused = startFromMemfd(native);
  findings.push(
    refused === undefined
      ? good('memfd exec', 'programs start from sealed memfds')
      : lack(
          'memfd exec',
          refused,
          'every start of the runtime takes 3 to 6 ms more',
          'sysctl vm.memfd_noexec=0',
        ),
  );
  const actions = read('/proc/sys/kernel/seccomp/actions_avail');
  findings.push(
    actions === undefined
      ? lack(
          'seccomp',
          'no filters',
          'a bundle with linux.seccomp fails',
          'a kernel with CONFIG_SECCOMP_FILTER',
        )
      : good('seccomp', `filters: ${actions}`),
  );
  return findings;
}

/** User namespaces, by making one, and the ids that a user may map. */
export function userFindings(isRoot: boolean): Finding[] {
  const made = canRun('unshare', ['--user', '--map-root-user', 'true']);
  const findings: Finding[] = [];
  const cost = isRoot ? 'containers with a user namespace do not start' : 'without root no container starts';
  if (made === undefined) findings.push(good('user namespaces', 'one can be made'));
  else {
    const limit = read('/proc/sys/user/max_user_namespaces');
    const apparmor = read('/proc/sys/kernel/apparmor_restrict_unprivileged_userns');
    const cure =
      apparmor === '1'
        ? 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0'
        : limit === '0'
          ? 'sudo sysctl user.max_user_namespaces=10000'
          : 'a kernel with CONFIG_USER_NS, and sysctl kernel.unprivileged_userns_clone=1 where there is one';
    findings.push((isRoot ? lack : bad)('user namespaces', `none can be made: ${made}`, cost, cure));
  }
  if (isRoot) return findings;
  const { username } = os.userInfo();
  const lines = ['/etc/subuid', '/etc/subgid'].map((file) =>
    (read(file) ?? '')
      .split('\n')
      .find((line) => line.startsWith(`${username}:`) || line.startsWith(`${os.userInfo().uid}:`)),
  );
  const mapper = canRun('newuidmap', []) !== 'not installed';
  findings.push(
    lines.every((line) => line !== undefined) && mapper
      ? good('subordinate ids', lines.join(', '))
      : lack(
          'subordinate ids',
          mapper ? `none for ${username} in /etc/subuid and /etc/subgid` : 'no newuidmap',
          'a container has one user id only, its root',
          `sudo apt-get install uidmap && sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`,
        ),
  );
  return findings;
}

/** undefined when it ended with 0; else why not. */
export function canRun(program: string, args: string[]): string | undefined {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 10_000 });
    return undefined;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    if (code === 'ENOENT') return 'not installed';
    return (
      String(stderr ?? '')
        .trim()
        .split('\n')[0] || (error as Error).message
    );
  }
}

const kTmpfs = 0x01021994;

export function directoryFindings(directory: string): Finding[] {
  let place = directory;
  while (!fs.existsSync(place) && place !== '/') place = place.slice(0, place.lastIndexOf('/')) || '/';
  try {
    fs.accessSync(place, fs.constants.W_OK | fs.constants.X_OK);
  } catch {
    return [
      bad(
        'state directory',
        `${directory}: ${place} cannot be written to`,
        'no container can be made',
        "give the option root: new DobbyRunC({ root: '/a/directory/of/yours' })",
      ),
    ];
  }
  if (fs.statfsSync(place).type === kTmpfs) return [good('state directory', `${directory}, on tmpfs`)];
  return [
    lack(
      'state directory',
      `${directory} is on a disk`,
      'state outlives a reboot, and each create writes to the disk',
      'put it on a tmpfs: the option root, or XDG_RUNTIME_DIR',
    ),
  ];
}

export function criuFindings(): Finding[] {
  const why = canRun('criu', ['check']);
  if (why === undefined) return [good('criu', 'says that it works')];
  return [note('criu', `${why}: only checkpoint and restore need it`)];
}
