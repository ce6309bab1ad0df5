import type { CgroupMode, Freezer } from '../runtime/cgroup';
import type { ListEntry, OciState, RuntimeStatus } from './state';

/** What identifies a container's init and says where to look for its status; from the runtime's state file. */
export interface Identity {
  readonly pid: number;
  readonly startTime: number;
  /** null: the container has no freezer cgroup. */
  readonly freezer: Freezer | null;
}

/** What `state` and `list` print as pid and status. */
export interface Standing {
  readonly status: RuntimeStatus;
  readonly pid: number;
}

/** What start and destroy would do besides the plain steps; from the container's configuration. */
export interface Plan {
  readonly hasPrivatePidNamespace: boolean;
  /** Whether the runtime runs poststart hooks in `start`. */
  readonly hasPoststartHooks: boolean;
  readonly hasPoststopHooks: boolean;
  /** '' or what rules out a direct clean-up. */
  readonly obstacle: string;
}

/** What an adapter may look at to tell a container's standing; each look is made once at most. */
export interface Probe {
  /** There is such a process, it is no zombie, and it is the one that the state file means. */
  isAlive(): boolean;
  hasFifo(): boolean;
  /** The text of freezer.state or cgroup.freeze; null when its cgroup is gone. */
  freezerText(freezer: Freezer): string | null;
}

/** What one runtime does, as far as its verbs are done directly. Methods throw Unfamiliar for the command line. */
export interface Adapter {
  /** The container's state directory entries that `delete` may find. */
  readonly knownEntries: ReadonlySet<string>;
  /** Throws Unfamiliar when there is no such container. */
  identity(id: string): Identity;
  standing(identity: Identity, probe: Probe): Standing;
  /** Comes right after identity(id). */
  state(id: string, standing: Standing): OciState;

  /** Names below the root in the order in which `list` prints them. */
  listNames(): string[];
  /** As identity(), but null for what `list` leaves out. */
  listIdentity(name: string): Identity | null;
  /** Comes right after listIdentity(name). */
  listEntry(name: string, standing: Standing): ListEntry;
  /** Forgets the parsed files of all other containers. */
  keepOnly(names: ReadonlySet<string>): void;
  /** Forgets the parsed files of a container that has been removed. */
  forget(id: string): void;

  /** Comes after identity(id). */
  plan(id: string): Plan;
  /** After identity(id). What `delete` removes, in the runtime's order. */
  cgroupDirectories(id: string): readonly string[];
  /** Whether `start` accepts it; looks at no more than it must, as do the others below. */
  mayStart(identity: Identity, probe: Probe): boolean;
  /** Lets the init go on; what is returned resolves when `start` would return, which may be at once. */
  start(fifo: string, watch: () => InitWatch): Promise<void> | undefined;
  /** Comes after identity(id). Whether `kill` sends this signal to the init, and to nobody else. */
  mayKill(id: string, identity: Identity, probe: Probe, signal: number): boolean;
  /** Whether a killed container has to be thawed by the killer; asked before it is killed. */
  thawsKilled(identity: Identity, probe: Probe): boolean;
  /** After identity(id). The file to write '1' to for `kill --all KILL`, or '' when that is not known to be equivalent. */
  killAllFile(id: string): string;
  mayPause(identity: Identity, probe: Probe): boolean;
  mayResume(identity: Identity, probe: Probe): boolean;
  /** Whether `delete` without --force accepts it. */
  mayDelete(standing: Standing): boolean;
}

/** The init while it is being started. */
export interface InitWatch {
  /** Resolves when the init has exited; pending for ever after release(). */
  readonly exited: Promise<void>;
  release(): void;
}

export interface AdapterContext {
  /** The runtime's minor version. */
  readonly minor: number;
  readonly root: string;
  readonly mode: CgroupMode;
}
