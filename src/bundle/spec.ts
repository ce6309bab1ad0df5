import type {
  OciCapabilities,
  OciConsoleSize,
  OciHooks,
  OciIdMapping,
  OciLinux,
  OciMount,
  OciNamespace,
  OciNamespaceType,
  OciProcess,
  OciResources,
  OciUser,
} from '../oci';

/**
 * What a container shall be: the parts of config.json that people set, flat, with defaults for the rest that are
 * those of `runc spec`. What is taken as it is has its name and its form from the spec (oci.ts).
 */
export interface BundleSpec
  extends Pick<
      OciProcess,
      'noNewPrivileges' | 'oomScoreAdj' | 'apparmorProfile' | 'selinuxLabel' | 'scheduler' | 'ioPriority'
    >,
    Pick<OciProcess, 'execCPUAffinity'>,
    Pick<OciLinux, 'devices' | 'netDevices' | 'rootfsPropagation' | 'seccomp' | 'sysctl' | 'mountLabel'>,
    Pick<OciLinux, 'intelRdt' | 'memoryPolicy' | 'personality' | 'timeOffsets'> {
  /**
   * The root file system: a path, absolute or relative to the bundle (not to the working directory). It must
   * exist. It is mounted read-only in the container unless `readonly` is false.
   */
  rootfs: string | { path: string; readonly?: boolean };
  /** The program and its arguments. */
  args: readonly string[];
  /** By name, or as 'NAME=value'. PATH is added if not given, and TERM if there is a terminal. Default: only those. */
  env?: Readonly<Record<string, string | undefined>> | readonly string[];
  /** Absolute path in the container; default '/'. */
  cwd?: string;
  /** 'uid:gid', 'uid' (then the gid is 0) or an object; ids as the container sees them. Default '0:0'. */
  user?: string | OciUser;
  umask?: number;
  /** Default false. */
  terminal?: boolean;
  consoleSize?: OciConsoleSize;
  /**
   * A list is what the process may use and get: bounding, effective and permitted, and for a user other than root
   * inheritable and ambient too, since exec would drop them otherwise. Default: CAP_AUDIT_WRITE, CAP_KILL and
   * CAP_NET_BIND_SERVICE, for root only.
   */
  capabilities?: readonly string[] | OciCapabilities;
  /** Replaces the default (RLIMIT_NOFILE 1024). Infinity is no limit. */
  rlimits?: readonly { type: string; soft: number; hard: number }[];

  /**
   * Mounted after the default ones: /proc, /dev, /dev/pts, /dev/shm, /dev/mqueue, /sys and /sys/fs/cgroup. One
   * with the destination of a default mount takes its place. A bind mount needs 'bind' or 'rbind' in its options.
   */
  mounts?: readonly OciMount[];
  /** false: only `mounts`. */
  defaultMounts?: boolean;
  /** false: no /sys/fs/cgroup. On cgroup v1 runc takes a quarter of its start time to mount it. */
  cgroupMount?: boolean;
  maskedPaths?: readonly string[];
  readonlyPaths?: readonly string[];

  /**
   * Types of new namespaces, or namespaces to join. Replaces the default: pid, network, ipc, uts, mount; cgroup too
   * on a machine with cgroup v2 only; no network if rootless. user is added when there are mappings.
   */
  namespaces?: readonly (OciNamespaceType | OciNamespace)[];
  /** Needs a uts namespace. Default: the machine's own name. */
  hostname?: string;
  domainname?: string;
  uidMappings?: readonly OciIdMapping[];
  gidMappings?: readonly OciIdMapping[];
  /**
   * Makes a bundle that a user without privileges can run: a user namespace with this user as its root, the host's
   * network, no device rules. Default: whether this process is not root.
   */
  rootless?: boolean;

  /**
   * Default: none, which crun and runc take as '/<container id>'. Set it when the same id is in use under two
   * roots (or by crun and by runc): they would share that cgroup. A bundle for several containers must not set it.
   */
  cgroupsPath?: string;
  /** Without `devices`: no devices but the spec's default ones and those of `devices` above. */
  resources?: OciResources;

  hooks?: OciHooks;
  annotations?: Readonly<Record<string, string>>;
  /** Default '1.0.2'. Runtimes do not ask for more to use newer fields. */
  ociVersion?: string;
}

/** What the defaults depend on. */
export interface MachineFacts {
  cgroupVersion: 1 | 2;
  euid: number;
  egid: number;
}
