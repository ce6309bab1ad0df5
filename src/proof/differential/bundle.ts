import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Random } from './random';

/** What a container is like; the two twins are the same but for their directories and cgroups. */
export interface Shape {
  program: 'loop' | 'exits';
  hasHooks: boolean;
  hasPoststartHook: boolean;
  hasPoststopHook: boolean;
  hasStartContainerHook: boolean;
  sharesPidNamespace: boolean;
  annotations: Record<string, string>;
}

export function randomShape(random: Random): Shape {
  const hasHooks = random.chance(0.3);
  return {
    program: random.chance(0.2) ? 'exits' : 'loop',
    hasHooks,
    hasPoststartHook: hasHooks && random.chance(0.4),
    hasPoststopHook: hasHooks && random.chance(0.4),
    hasStartContainerHook: hasHooks && random.chance(0.5),
    sharesPidNamespace: random.chance(0.1),
    annotations: random.chance(0.5)
      ? { 'org.x': 'a=b', '': 'empty', 'ü"\\': 'line\nbreak', __proto__x: 'p' }
      : {},
  };
}

/** What both programs write to log/out first of all. */
export const kFirstWord = 'started\n';

/** Traps some signals and tells of them; INT and QUIT keep their default. */
const kLoop = [
  'for s in HUP USR1 USR2 TERM; do trap "echo $s >> /log/signals" $s; done',
  'echo started >> /log/out',
  'while :; do sleep 60 & wait; done',
].join('\n');
const kExits = 'echo started >> /log/out; exit 7';

const kHookScript = `#!/bin/sh
# hook NAME LOG: tells its name and what it was given.
{ echo "$1"; cat; echo; } >> "$2"
`;

/** A root file system with /bin/sh, cat and sleep, and what is mounted on it. */
export interface Rootfs {
  readonly path: string;
  readonly mounts: readonly object[];
}

/** Writes a bundle; returns its directory. */
export function writeBundle(directory: string, rootfs: Rootfs, cgroupsPath: string, shape: Shape): string {
  const log = `${directory}/log`;
  mkdirSync(log, { recursive: true });
  const script = `${directory}/hook`;
  writeFileSync(script, kHookScript);
  chmodSync(script, 0o755);
  const hook = (name: string): object[] => [{ path: script, args: ['hook', name, `${log}/hooks`] }];
  const hooks: Record<string, object[]> = {};
  if (shape.hasHooks) {
    hooks.prestart = hook('prestart');
    hooks.createRuntime = hook('createRuntime');
  }
  if (shape.hasPoststartHook) hooks.poststart = hook('poststart');
  if (shape.hasPoststopHook) hooks.poststop = hook('poststop');
  if (shape.hasStartContainerHook) {
    hooks.startContainer = [{ path: '/bin/sh', args: ['sh', '-c', 'cat >> /log/startContainer'] }];
  }
  const namespaces = [{ type: 'mount' }, { type: 'ipc' }, { type: 'uts' }];
  if (!shape.sharesPidNamespace) namespaces.push({ type: 'pid' });
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/bin/sh', '-c', shape.program === 'loop' ? kLoop : kExits],
      env: ['PATH=/bin:/usr/bin'],
      cwd: '/',
    },
    root: { path: rootfs.path, readonly: true },
    hostname: 'twin',
    mounts: [
      ...rootfs.mounts,
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/log', type: 'bind', source: log, options: ['bind', 'rw'] },
    ],
    hooks,
    annotations: shape.annotations,
    linux: { cgroupsPath, namespaces },
  };
  writeFileSync(`${directory}/config.json`, JSON.stringify(config));
  return directory;
}
