import type { Readable } from 'node:stream';

export interface ContainerIo {
  stdout: 'ignore' | 'pipe' | { file: string };
  tty?: boolean;
}

export interface BenchContainer {
  /** The container's output (its terminal's, with a tty), or null when it goes elsewhere. */
  output: Readable | null;
  /** Resolves when this contestant's own way of telling says that the container has exited. */
  exited: Promise<void>;
}

/** A runtime's verbs, as one contestant does them. Everything rejects on failure. */
export interface ContainerDriver {
  create(id: string, bundle: string, io: ContainerIo): Promise<BenchContainer>;
  start(id: string): Promise<void>;
  state(id: string): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Starts `/probe exit 0` in the container; what it resolves to is called when the measurement is over. */
  exec(id: string): Promise<() => Promise<void>>;
  /** SIGCONT, which does nothing to who is not stopped. */
  signal(id: string): Promise<void>;
  /** SIGKILL. */
  kill(id: string): Promise<void>;
  /** How many containers there are. */
  list(): Promise<number>;
  destroy(id: string): Promise<void>;
  close(): Promise<void>;
}

export interface DriverOptions {
  runtime: string;
  root: string;
  /** crun's --cgroup-manager. */
  cgroupManager?: 'disabled';
}
