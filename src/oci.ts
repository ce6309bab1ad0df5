/**
 * The OCI runtime specification, as far as it concerns Linux: config.json and the state of a container.
 * Written from runtime-spec 1.3, whose 1.x versions only ever add optional fields; a field that is newer than
 * 1.0.2 says so. No `vm`, `windows`, `solaris`, `zos` or `freebsd`. Names are the spec's own.
 *
 * Numbers: the spec's int64 and uint64 reach further than a JavaScript number is exact (2^53). The one value
 * beyond it that configurations really use is RLIM_INFINITY, 2^64-1, which reads as 2 ** 64 here.
 */

/** config.json. Spec: config.md. */
export interface OciConfig {
  /** The version of the spec that the bundle complies with. Spec: config.md, "Specification version". */
  ociVersion: string;
  /** Required on Linux. */
  root?: OciRoot;
  /** May be absent by the spec until `start`; crun and runc both want it at `create`. */
  process?: OciProcess;
  /** Needs a `uts` namespace. Spec: config.md, "Hostname". */
  hostname?: string;
  /** Since 1.1. Needs a `uts` namespace. Spec: config.md, "Domainname". */
  domainname?: string;
  /** Mounted in this order. */
  mounts?: OciMount[];
  hooks?: OciHooks;
  /** Spec: config.md, "Annotations". */
  annotations?: Record<string, string>;
  linux?: OciLinux;
}

/** Spec: config.md, "Root". */
export interface OciRoot {
  /** Absolute, or relative to the bundle. */
  path: string;
  readonly?: boolean;
}

/** A mount. Spec: config.md, "Mounts". */
export interface OciMount {
  /** Path in the container. 1.0 wants it absolute; since 1.1 a relative one is only deprecated. */
  destination: string;
  type?: string;
  /** For a bind mount: absolute, or relative to the bundle. */
  source?: string;
  /** A mount is a bind mount when these have `bind` or `rbind`. */
  options?: string[];
  /** Since 1.1; only together with gidMappings, and with `idmap` or `ridmap` in the options. */
  uidMappings?: OciIdMapping[];
  gidMappings?: OciIdMapping[];
}

/** The container's process, or one to exec. Spec: config.md, "Process". */
export interface OciProcess {
  terminal?: boolean;
  /** Without `terminal` it has no effect. */
  consoleSize?: OciConsoleSize;
  user?: OciUser;
  /** At least one; the first is looked up as execvp(3) does. */
  args: string[];
  /** `NAME=value` each. */
  env?: string[];
  /** Absolute path in the container. */
  cwd: string;
  capabilities?: OciCapabilities;
  rlimits?: OciRlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  /** -1000 to 1000, proc_pid_oom_score_adj(5). */
  oomScoreAdj?: number;
  /** Since 1.1. */
  scheduler?: OciScheduler;
  /** Since 1.1. */
  ioPriority?: OciIoPriority;
  /** Since 1.2.1; for exec only. */
  execCPUAffinity?: OciExecCpuAffinity;
}

/** In characters. Spec: config.md, "Process", `consoleSize`. */
export interface OciConsoleSize {
  height: number;
  width: number;
}

/** Ids as the container sees them; the runtime looks up no names. Spec: config.md, "POSIX-platform User". */
export interface OciUser {
  uid: number;
  gid: number;
  /** Since 1.0.2. */
  umask?: number;
  additionalGids?: number[];
}

/** Sets of `CAP_…` names, capabilities(7). Spec: config.md, "Linux Process", `capabilities`. */
export interface OciCapabilities {
  bounding?: string[];
  effective?: string[];
  inheritable?: string[];
  permitted?: string[];
  ambient?: string[];
}

/** Spec: config.md, "POSIX process", `rlimits`. */
export interface OciRlimit {
  /** `RLIMIT_NOFILE`, …: getrlimit(2). */
  type: string;
  soft: number;
  hard: number;
}

/** sched_setattr(2); times in nanoseconds. Spec: config.md, "Linux Process", `scheduler`. */
export interface OciScheduler {
  policy:
    | 'SCHED_OTHER'
    | 'SCHED_FIFO'
    | 'SCHED_RR'
    | 'SCHED_BATCH'
    | 'SCHED_ISO'
    | 'SCHED_IDLE'
    | 'SCHED_DEADLINE';
  nice?: number;
  priority?: number;
  /** `SCHED_FLAG_…` */
  flags?: string[];
  runtime?: number;
  deadline?: number;
  period?: number;
}

/** ioprio_set(2). Spec: config.md, "Linux Process", `ioPriority`. */
export interface OciIoPriority {
  class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE';
  /** 0 (first) to 7. */
  priority?: number;
}

/** CPU lists like `0-3,7`. Spec: config.md, "Linux Process", `execCPUAffinity`. */
export interface OciExecCpuAffinity {
  initial?: string;
  final?: string;
}

/** Spec: config.md, "POSIX-platform Hooks". */
export interface OciHooks {
  /** Deprecated by the spec in favour of createRuntime, createContainer and startContainer. */
  prestart?: OciHook[];
  createRuntime?: OciHook[];
  createContainer?: OciHook[];
  startContainer?: OciHook[];
  poststart?: OciHook[];
  poststop?: OciHook[];
}

/** A program that gets the container's state on its standard input. Spec: config.md, "POSIX-platform Hooks". */
export interface OciHook {
  /** Absolute. */
  path: string;
  /** With argv[0]. */
  args?: string[];
  env?: string[];
  /** In seconds, above 0. */
  timeout?: number;
}

/** Spec: config-linux.md. */
export interface OciLinux {
  namespaces?: OciNamespace[];
  uidMappings?: OciIdMapping[];
  gidMappings?: OciIdMapping[];
  /** Since 1.1; keyed by clock. Needs a `time` namespace. */
  timeOffsets?: Partial<Record<'boottime' | 'monotonic', OciTimeOffset>>;
  devices?: OciDevice[];
  /** Since 1.3; keyed by the device's name on the host. */
  netDevices?: Record<string, OciNetDevice>;
  /**
   * Absolute: below the cgroup mount point; relative: the runtime's choice; `slice:prefix:name` with the
   * systemd cgroup manager. Unset, crun and runc both use `/<id>`. Spec: config-linux.md, "Cgroups Path".
   */
  cgroupsPath?: string;
  resources?: OciResources;
  rootfsPropagation?: 'shared' | 'slave' | 'private' | 'unbindable';
  seccomp?: OciSeccomp;
  sysctl?: Record<string, string>;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  mountLabel?: string;
  intelRdt?: OciIntelRdt;
  /** Since 1.3. */
  memoryPolicy?: OciMemoryPolicy;
  personality?: OciPersonality;
}

/** `time` since 1.1. Spec: config-linux.md, "Namespaces". */
export type OciNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

/** Spec: config-linux.md, "Namespaces". */
export interface OciNamespace {
  type: OciNamespaceType;
  /** Absolute path of a namespace to join; absent: a new one. */
  path?: string;
}

/** Spec: config-linux.md, "User namespace mappings". */
export interface OciIdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** Spec: config-linux.md, "Offset for Time Namespace". */
export interface OciTimeOffset {
  secs?: number;
  nanosecs?: number;
}

/** A device node in the container. Spec: config-linux.md, "Devices". */
export interface OciDevice {
  /** Block, character, unbuffered character, FIFO. */
  type: 'b' | 'c' | 'u' | 'p';
  path: string;
  /** Required unless the type is `p`. */
  major?: number;
  minor?: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

/** Spec: config-linux.md, "Network Devices". */
export interface OciNetDevice {
  /** Its name in the container; absent: the same as outside. */
  name?: string;
}

/** Control group settings. Spec: config-linux.md, "Control groups". */
export interface OciResources {
  /** The allowed device list; applied in this order. */
  devices?: OciDeviceRule[];
  memory?: OciMemory;
  cpu?: OciCpu;
  pids?: OciPids;
  blockIO?: OciBlockIo;
  hugepageLimits?: OciHugepageLimit[];
  network?: OciNetwork;
  /** Keyed by device name. */
  rdma?: Record<string, OciRdma>;
  /** Since 1.0.2: cgroup v2 files by name, with what to write to them. */
  unified?: Record<string, string>;
}

/** Spec: config-linux.md, "Allowed Device list". */
export interface OciDeviceRule {
  allow: boolean;
  /** All, character, block. */
  type?: 'a' | 'c' | 'b';
  /** Absent: every one. */
  major?: number;
  minor?: number;
  /** Any of `r`, `w` and `m` (mknod). */
  access?: string;
}

/** In bytes; -1 is no limit. Spec: config-linux.md, "Memory". */
export interface OciMemory {
  limit?: number;
  reservation?: number;
  /** Memory and swap together. */
  swap?: number;
  kernel?: number;
  kernelTCP?: number;
  /** 0 to 100. */
  swappiness?: number;
  disableOOMKiller?: boolean;
  useHierarchy?: boolean;
  /** Since 1.1. */
  checkBeforeUpdate?: boolean;
}

/** Times in microseconds. Spec: config-linux.md, "CPU". */
export interface OciCpu {
  shares?: number;
  quota?: number;
  /** Since 1.1. */
  burst?: number;
  period?: number;
  realtimeRuntime?: number;
  realtimePeriod?: number;
  cpus?: string;
  mems?: string;
  /** Since 1.1. */
  idle?: number;
}

/** Spec: config-linux.md, "PIDs". */
export interface OciPids {
  /** -1 is no limit. */
  limit?: number;
}

/** Spec: config-linux.md, "Block IO". */
export interface OciBlockIo {
  weight?: number;
  leafWeight?: number;
  weightDevice?: OciWeightDevice[];
  throttleReadBpsDevice?: OciThrottleDevice[];
  throttleWriteBpsDevice?: OciThrottleDevice[];
  throttleReadIOPSDevice?: OciThrottleDevice[];
  throttleWriteIOPSDevice?: OciThrottleDevice[];
}

/** Spec: config-linux.md, "Block IO", `weightDevice`. */
export interface OciWeightDevice {
  major: number;
  minor: number;
  weight?: number;
  leafWeight?: number;
}

/** In bytes or operations per second. Spec: config-linux.md, "Block IO", `throttle…Device`. */
export interface OciThrottleDevice {
  major: number;
  minor: number;
  rate: number;
}

/** Spec: config-linux.md, "Huge page limits". */
export interface OciHugepageLimit {
  /** `64KB`, `2MB`, `1GB`, … */
  pageSize: string;
  limit: number;
}

/** net_cls and net_prio, cgroup v1 only. Spec: config-linux.md, "Network". */
export interface OciNetwork {
  classID?: number;
  priorities?: { name: string; priority: number }[];
}

/** Spec: config-linux.md, "RDMA". */
export interface OciRdma {
  hcaHandles?: number;
  hcaObjects?: number;
}

/** Names as in libseccomp. Spec: config-linux.md, "Seccomp". */
export interface OciSeccomp {
  defaultAction: OciSeccompAction;
  defaultErrnoRet?: number;
  /** `SCMP_ARCH_…` */
  architectures?: string[];
  /** `SECCOMP_FILTER_FLAG_…` */
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: OciSyscall[];
}

/** Spec: config-linux.md, "Seccomp", `syscalls[].action`. */
export type OciSeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

/** Spec: config-linux.md, "Seccomp", `syscalls`. */
export interface OciSyscall {
  names: string[];
  action: OciSeccompAction;
  errnoRet?: number;
  args?: OciSyscallArg[];
}

/** Spec: config-linux.md, "Seccomp", `syscalls[].args`. */
export interface OciSyscallArg {
  index: number;
  value: number;
  valueTwo?: number;
  op:
    | 'SCMP_CMP_NE'
    | 'SCMP_CMP_LT'
    | 'SCMP_CMP_LE'
    | 'SCMP_CMP_EQ'
    | 'SCMP_CMP_GE'
    | 'SCMP_CMP_GT'
    | 'SCMP_CMP_MASKED_EQ';
}

/** Spec: config-linux.md, "IntelRdt". */
export interface OciIntelRdt {
  closID?: string;
  /** Since 1.3. */
  schemata?: string[];
  l3CacheSchema?: string;
  memBwSchema?: string;
  /** Since 1.3. */
  enableMonitoring?: boolean;
}

/** set_mempolicy(2). Spec: config-linux.md, "Memory policy". */
export interface OciMemoryPolicy {
  /** `MPOL_…` */
  mode: string;
  nodes?: string;
  /** `MPOL_F_…` */
  flags?: string[];
}

/** personality(2). Spec: config-linux.md, "Personality". */
export interface OciPersonality {
  domain: 'LINUX' | 'LINUX32';
  flags?: string[];
}

/** The state of a container, as `state` prints it and hooks read it. Spec: runtime.md, "State". */
export interface OciState {
  ociVersion: string;
  id: string;
  /** Runtimes may add others; crun and runc add `paused`. */
  status: 'creating' | 'created' | 'running' | 'stopped' | 'paused' | (string & {});
  /** 0 or absent when there is no process. */
  pid?: number;
  /** Absolute path. */
  bundle: string;
  annotations?: Record<string, string>;
  /** Not in the spec; crun and runc both print it. */
  rootfs?: string;
  /** Not in the spec: RFC 3339, printed by crun and runc. */
  created?: string;
  /** Not in the spec: a user's name, printed by crun and runc. */
  owner?: string;
}
