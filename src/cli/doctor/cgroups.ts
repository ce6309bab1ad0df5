import fs from 'node:fs';
import path from 'node:path';
import { bad, type Finding, good, lack } from './finding';

const root = '/sys/fs/cgroup';
const kCgroup2 = 0x63677270;

export type CgroupMode = 'v1' | 'v2' | 'hybrid' | 'none';

function typeOf(directory: string): number | undefined {
  try {
    return fs.statfsSync(directory).type;
  } catch {
    return undefined;
  }
}

export function cgroupMode(): CgroupMode {
  if (typeOf(root) === kCgroup2) return 'v2';
  if (fs.existsSync(path.join(root, 'unified')) && typeOf(path.join(root, 'unified')) === kCgroup2)
    return 'hybrid';
  return fs.existsSync(path.join(root, 'cpu')) || fs.existsSync(path.join(root, 'pids')) ? 'v1' : 'none';
}

function words(file: string): string[] {
  try {
    return fs.readFileSync(file, 'utf8').trim().split(/\s+/).filter(Boolean);
  } catch {
    return [];
  }
}

/** Whether a cgroup can be made there, by making one; undefined when it can. */
function refusesChild(directory: string): string | undefined {
  const child = path.join(directory, `dobby-runc-doctor-${process.pid}`);
  try {
    fs.mkdirSync(child);
    fs.rmdirSync(child);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Our own cgroup: in the v2 tree, or of one v1 hierarchy. */
function ownCgroup(controller: string): string {
  const lines = fs.readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const own = lines.find((line) => line.split(':')[1]?.split(',').includes(controller));
  return own?.split(':').slice(2).join(':') ?? '/';
}

const usual = ['cpu', 'memory', 'pids', 'io', 'cpuset'];

export function cgroupFindings(isRoot: boolean): Finding[] {
  const mode = cgroupMode();
  const findings: Finding[] = [];
  if (mode === 'none') {
    return [
      bad(
        'cgroups',
        `nothing is mounted on ${root}`,
        'no container can be made',
        `mount -t cgroup2 none ${root}`,
      ),
    ];
  }
  if (mode === 'hybrid') {
    const held = words(path.join(root, 'unified/cgroup.controllers'));
    const found = `hybrid: v1 hierarchies, and v2 at ${root}/unified with ${held.length === 0 ? 'no controller' : held.join(', ')}`;
    const helper = path.join('node_modules/dobby-runc/scripts/cgroup-env');
    const cure = `run your program in a view of v1 only: sudo ${helper} auto node your-program.js; for good: boot with systemd.unified_cgroup_hierarchy=1`;
    findings.push(
      held.length === 0
        ? good('cgroups', found)
        : lack(
            'cgroups',
            found,
            "crun refuses to make containers ('cgroups in hybrid mode not supported'); runc does not",
            cure,
          ),
    );
  }
  if (mode === 'v2') return [...findings, ...v2Findings(isRoot)];
  const hierarchies = fs.readdirSync(root).filter((name) => name !== 'unified' && name !== 'systemd');
  const closed = hierarchies.filter((name) => {
    const own = ownCgroup(name);
    const directory = path.join(root, name, own);
    return refusesChild(fs.existsSync(directory) ? directory : path.join(root, name)) !== undefined;
  });
  if (mode === 'v1') findings.push(good('cgroups', 'v1'));
  findings.push(
    closed.length === 0
      ? good('controllers', hierarchies.join(', '))
      : lack(
          'controllers',
          `${hierarchies.join(', ')}; cgroups cannot be made in ${closed.join(', ')}`,
          'no limits, no pause, no statistics',
          isRoot
            ? 'mount the hierarchies writable'
            : "v1 has no delegation: run as root, or with cgroupManager: 'disabled'",
        ),
  );
  return findings;
}

function v2Findings(isRoot: boolean): Finding[] {
  const own = path.join(root, ownCgroup(''));
  const place = isRoot || !fs.existsSync(own) ? root : own;
  const has = words(path.join(place, 'cgroup.controllers'));
  const missing = usual.filter((name) => !has.includes(name));
  const findings = [
    missing.length === 0
      ? good('cgroups', `v2, controllers: ${has.join(', ')}`)
      : lack(
          'cgroups',
          `v2, without the controllers ${missing.join(', ')}`,
          'those cannot be limited or counted',
          isRoot
            ? 'a kernel with them, and no v1 hierarchy that holds them'
            : 'sudo systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids',
        ),
  ];
  const refused = refusesChild(place);
  if (refused === undefined) findings.push(good('delegation', `cgroups can be made below ${place}`));
  else {
    findings.push(
      lack(
        'delegation',
        `no cgroup can be made below ${place} (${refused})`,
        'no limits, no pause, no statistics',
        isRoot
          ? `mount -o remount,rw ${root}`
          : 'start it in a scope of your own: systemd-run --user --scope --property Delegate=yes node your-program.js',
      ),
    );
  }
  return findings;
}
