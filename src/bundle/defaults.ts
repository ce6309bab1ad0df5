import type { OciDeviceRule, OciMount, OciNamespaceType, OciRlimit } from '../oci';

/*
 * What a bundle has when its maker says nothing: what `runc spec` writes, but for
 * - no host name (runc writes "runc"): a new uts namespace then keeps the host's;
 * - /sys/devices/virtual/powercap masked too: its energy counters leak what other processes compute (CVE-2020-8694).
 */

/** The oldest version with every field that BundleSpec makes by itself; each runtime in use takes it. */
export const kOciVersion = '1.0.2';

export const kPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
export const kTerm = 'TERM=xterm';

/** No ambient or inheritable ones: a process that is not root then has none. */
export const kCapabilities: readonly string[] = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

/**
 * Without it the container would have Node.js's own limit, which Node.js raises to the hard one: programs that
 * close every possible descriptor take seconds then, and select(2) breaks beyond 1024.
 */
export const kRlimits: readonly OciRlimit[] = [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 }];

/** cgroup is added where the machine has cgroup v2 only. */
export const kNamespaces: readonly OciNamespaceType[] = ['pid', 'network', 'ipc', 'uts', 'mount'];

/** Every device; both runtimes then allow the spec's default devices by themselves. */
export const kDenyDevices: OciDeviceRule = { allow: false, access: 'rwm' };

export const kProcMount: OciMount = { destination: '/proc', type: 'proc', source: 'proc' };

export const kDevMounts: readonly OciMount[] = [
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  {
    destination: '/dev/mqueue',
    type: 'mqueue',
    source: 'mqueue',
    options: ['nosuid', 'noexec', 'nodev'],
  },
];

export const kSysMount: OciMount = {
  destination: '/sys',
  type: 'sysfs',
  source: 'sysfs',
  options: ['nosuid', 'noexec', 'nodev', 'ro'],
};

/** sysfs can be mounted only by who owns the network namespace; the host's has to do otherwise. */
export const kSysBindMount: OciMount = {
  destination: '/sys',
  type: 'none',
  source: '/sys',
  options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
};

/** Programs read their own limits here (Node.js, the JVM, Go). The runtime makes it fit cgroup v1 or v2. */
export const kCgroupMount: OciMount = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
};

export const kMaskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

export const kReadonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];
