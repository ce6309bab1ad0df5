/** How much is measured: 'smoke' once and tiny, so that the harness can't rot; 'quick' three minutes; 'full' twelve. */
export type Scale = 'smoke' | 'quick' | 'full';

export function pick<T>(scale: Scale, values: Record<Scale, T>): T {
  return values[scale];
}

export type Unit = 'ns' | 'bytes' | 'per second' | 'bytes per second' | 'count';

export interface Measure {
  name: string;
  title: string;
  unit: Unit;
  better: 'lower' | 'higher';
  /** Whether the tail (p99) is part of the answer. */
  tail?: boolean;
}

export type Params = Readonly<Record<string, string | number>>;

/** What a worker is asked for. */
export interface Job {
  question: string;
  contestant: string;
  params: Params;
  samples: number;
  warmup: number;
  workspace: Workspace;
  /** Different in every job: container ids are made from it. */
  serial: number;
}

/** Directories of one question; removed afterwards, with what is left in them. */
export interface Workspace {
  /** For bundles and output, on disk. */
  files: string;
  /** For the runtimes' --root, in /run as theirs are. */
  state: string;
}

/** Values by name of measure. */
export type Samples = Record<string, number[]>;

/** One setting in which all contestants are compared. */
export interface Case {
  params: Params;
  contestants: readonly string[];
  rounds: number;
  samples: number;
  warmup: number;
  /** A new process for every job: for what a measurement leaves behind in its process. */
  fresh?: boolean;
  nodeArguments?: readonly string[];
  timeLimitMs?: number;
}

export interface Question {
  name: string;
  /** What a person wants to know. */
  asks: string;
  /** How it is measured, for the reader of the table. */
  how: string;
  measures: readonly Measure[];
  /** What goes across the table: the measures, the contestants, or the values of a parameter. */
  across: 'measures' | 'contestants' | (string & {});
  /** The parameter along which growth is drawn. */
  growth?: string;
  cases(scale: Scale, runtimes: Runtimes): Case[];
  /** In the harness, before the rounds of a case: what all contestants share. Returns the way back. */
  prepare?(params: Params, workspace: Workspace): Promise<() => Promise<void>>;
  /** In the worker. */
  run(job: Job): Promise<Samples>;
}

/** The runtimes of this machine: name to absolute path. */
export type Runtimes = Readonly<Partial<Record<'crun' | 'runc', string>>>;

/** Thrown by a contestant that cannot do what is asked at all; shown as such, and no failure. */
export class Unsupported extends Error {}
