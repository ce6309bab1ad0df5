/** s string, n number, b boolean, a array or null, o object or null, x anything or null. */
export type Kind = 's' | 'n' | 'b' | 'a' | 'o' | 'x';

type Keys = Readonly<Record<string, Kind>>;

const kStateKeys: Keys = {
  id: 's',
  init_process_pid: 'n',
  init_process_start: 'n',
  created: 's',
  config: 'o',
  rootless: 'b',
  cgroup_paths: 'o',
  namespace_paths: 'o',
  external_descriptors: 'a',
  intel_rdt_path: 's',
};

const kConfigKeys: Keys = {
  no_pivot_root: 'b',
  parent_death_signal: 'n',
  rootfs: 's',
  umask: 'x',
  readonlyfs: 'b',
  rootPropagation: 'n',
  mounts: 'a',
  devices: 'a',
  mount_label: 's',
  hostname: 's',
  namespaces: 'a',
  capabilities: 'o',
  networks: 'a',
  routes: 'a',
  cgroups: 'o',
  apparmor_profile: 's',
  process_label: 's',
  rlimits: 'a',
  oom_score_adj: 'x',
  uid_mappings: 'a',
  gid_mappings: 'a',
  mask_paths: 'a',
  readonly_paths: 'a',
  sysctl: 'o',
  seccomp: 'o',
  no_new_privileges: 'b',
  Hooks: 'o',
  version: 's',
  labels: 'a',
  no_new_keyring: 'b',
  intel_rdt: 'o',
  rootless_euid: 'b',
  rootless_cgroups: 'b',
};

/** What came with each minor, in libcontainer/configs/config.go and libcontainer/container.go. */
const kNewConfigKeys: ReadonlyArray<[minor: number, keys: Keys]> = [
  [2, { domainname: 's', time_offsets: 'o', scheduler: 'o', personality: 'o', io_priority: 'o' }],
  [3, { exec_cpu_affinity: 'o' }],
  [4, { netDevices: 'o', memory_policy: 'o' }],
];
const kNewStateKeys: ReadonlyArray<[minor: number, keys: Keys]> = [[4, { intel_rdt_mon_path: 's' }]];

/** What differs between the minors of runc 1. */
export interface RuncRules {
  /** runc's own rule for ids; list leaves out directories that break it. */
  readonly id: RegExp;
  /** KILL of a container without a pid namespace of its own is for its whole cgroup; the freezer is not asked. */
  readonly killsWhole: boolean;
  /** The keys of this version and those before: what is not there, or of another kind, was written by a newer one. */
  readonly stateKeys: Keys;
  readonly configKeys: Keys;
  /** Keys that say nothing may be left out: those of cgroups from 1.3 on, the others from 1.4. */
  readonly leavesOut: boolean;
}

export function runcRules(minor: number): RuncRules {
  return {
    id: minor >= 2 ? /^[\w+.-]+$/ : /^[\w+,.-]+$/,
    killsWhole: minor >= 2,
    stateKeys: upTo(minor, kStateKeys, kNewStateKeys),
    configKeys: upTo(minor, kConfigKeys, kNewConfigKeys),
    leavesOut: minor >= 3,
  };
}

function upTo(minor: number, keys: Keys, added: ReadonlyArray<[minor: number, keys: Keys]>): Keys {
  return Object.assign(
    {},
    keys,
    ...added.filter(([since]) => since <= minor).map(([, more]) => more),
  ) as Keys;
}
