import fs from 'node:fs';
import path from 'node:path';
import {
  kCapabilities,
  kCgroupMount,
  kDevMounts,
  kProcMount,
  kReadonlyPaths,
  kSysMount,
} from '../src/bundle/defaults';
import type { OciMount } from '../src/oci';
import { binaries } from './paths';
import { seccompProfile } from './seccomp-profile';

/**
 * What a configuration has or lacks compared with the usual one; each is a line in docs/performance.md. 'no-cgroup'
 * is the usual one, run with crun's --cgroup-manager=disabled.
 */
export const variants = [
  'usual',
  'minimal',
  'no-cgroup-namespace',
  'no-network-namespace',
  'no-ipc-namespace',
  'no-uts-namespace',
  'no-mqueue',
  'no-devpts',
  'no-cgroup-mount',
  'no-sysfs',
  'no-masked-paths',
  'seccomp-1',
  'seccomp-3',
  'hook',
  'no-cgroup',
] as const;
export type Variant = (typeof variants)[number];

export interface BundleOptions {
  args: readonly string[];
  variant?: Variant;
  terminal?: boolean;
}

const usualMounts: readonly OciMount[] = [kProcMount, ...kDevMounts, kSysMount, kCgroupMount];

const maskedPaths = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
];

function without(variant: Variant): { namespace?: string; mount?: string } {
  const namespaces: Partial<Record<Variant, string>> = {
    'no-cgroup-namespace': 'cgroup',
    'no-network-namespace': 'network',
    'no-ipc-namespace': 'ipc',
    'no-uts-namespace': 'uts',
  };
  const mounts: Partial<Record<Variant, string>> = {
    // The mqueue file system cannot be mounted without an ipc namespace of one's own, nor sysfs without a network one.
    'no-ipc-namespace': '/dev/mqueue',
    'no-network-namespace': '/sys',
    'no-mqueue': '/dev/mqueue',
    'no-devpts': '/dev/pts',
    'no-cgroup-mount': '/sys/fs/cgroup',
    'no-sysfs': '/sys',
  };
  return { namespace: namespaces[variant], mount: mounts[variant] };
}

export function config({ args, variant = 'usual', terminal = false }: BundleOptions): object {
  const minimal = variant === 'minimal';
  const left = without(variant);
  const namespaces = (
    minimal ? ['pid', 'mount'] : ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup']
  ).filter((type) => type !== left.namespace);
  const mounts = usualMounts.filter(({ destination }) => {
    if (minimal) return destination === '/proc';
    return left.mount === undefined || !destination.startsWith(left.mount);
  });
  const masks = !minimal && variant !== 'no-masked-paths';
  const architectures = { 'seccomp-1': 1, 'seccomp-3': 3 }[variant as string];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal,
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/'],
      cwd: '/',
      capabilities: { bounding: kCapabilities, effective: kCapabilities, permitted: kCapabilities },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: false },
    ...(namespaces.includes('uts') ? { hostname: 'bench' } : {}),
    mounts,
    ...(variant === 'hook'
      ? { hooks: { prestart: [{ path: binaries.probe, args: ['probe', 'hook'] }] } }
      : {}),
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      ...(masks ? { maskedPaths, readonlyPaths: kReadonlyPaths } : {}),
      ...(architectures === undefined ? {} : { seccomp: seccompProfile(architectures) }),
    },
  };
}

/** Writes a bundle whose root file system holds the probe program and nothing else; returns its directory. */
export function writeBundle(directory: string, options: BundleOptions): string {
  const rootfs = path.join(directory, 'rootfs');
  for (const name of ['proc', 'dev', 'sys']) fs.mkdirSync(path.join(rootfs, name), { recursive: true });
  fs.copyFileSync(binaries.probe, path.join(rootfs, 'probe'));
  fs.chmodSync(path.join(rootfs, 'probe'), 0o755);
  fs.writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config(options)));
  return directory;
}
