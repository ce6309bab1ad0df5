import { readFileSync, rmSync } from 'node:fs';
import type { Direct, DirectOperations } from '../../direct/operations';
import { type Rootfs, type Shape, writeBundle } from './bundle';
import type { Cli, CliResult } from './cli';
import { initState, startTimeOf, type Watched } from './observe';

/** One of two equal containers. */
export class Twin implements Watched {
  readonly id: string;
  readonly directory: string;
  readonly stateDirectory: string;
  readonly cgroupsPath: string;
  readonly cli: Cli;
  readonly direct: DirectOperations;
  init: Watched['init'] = null;

  constructor(
    id: string,
    base: string,
    root: string,
    cgroupsPath: string,
    cli: Cli,
    direct: DirectOperations,
  ) {
    this.id = id;
    this.directory = base;
    this.stateDirectory = `${root}/${id}`;
    this.cgroupsPath = cgroupsPath;
    this.cli = cli;
    this.direct = direct;
  }

  async create(rootfs: Rootfs, shape: Shape): Promise<CliResult> {
    rmSync(this.directory, { recursive: true, force: true });
    writeBundle(this.directory, rootfs, this.cgroupsPath, shape);
    const pidFile = `${this.directory}/pid`;
    const result = await this.cli.run('create', '--bundle', this.directory, '--pid-file', pidFile, this.id);
    this.init = null;
    if (result.code === 0) {
      const pid = Number(readFileSync(pidFile, 'utf8'));
      this.init = { pid, startTime: startTimeOf(pid) };
    }
    return result;
  }

  /** Lets the direct operations keep descriptors of the init. */
  keep(): void {
    if (this.init === null || initState(this.init) !== 'alive') return;
    this.direct.keep(this.id, this.init.pid);
  }
}

/** A pair of equal containers: `direct` is driven directly where possible, `cli` by the command line only. */
export interface Pair {
  direct: Twin;
  cli: Twin;
  shape: Shape | null;
  undo: (() => void)[];
  isDamaged: boolean;
  hasStarted: boolean;
  /** Created, and no start tried yet. */
  isFresh: boolean;
}

/** Which way was taken, how often, and why not the direct one. */
export class Ways {
  readonly #counts = new Map<string, { direct: number; cli: Map<string, number> }>();

  count(verb: string, answer: Direct<unknown>): void {
    let counts = this.#counts.get(verb);
    if (counts === undefined) {
      counts = { direct: 0, cli: new Map() };
      this.#counts.set(verb, counts);
    }
    if (answer.done) counts.direct++;
    else {
      const why = answer.why.replaceAll(/\/[^ ]*/g, '<path>');
      counts.cli.set(why, (counts.cli.get(why) ?? 0) + 1);
    }
  }

  directCount(verb: string): number {
    return this.#counts.get(verb)?.direct ?? 0;
  }

  summary(): string {
    return [...this.#counts]
      .map(([verb, { direct, cli }]) => {
        const reasons = [...cli].map(([why, count]) => `${count}x ${why}`).join('; ');
        return `${verb}: ${direct} direct${reasons === '' ? '' : `, command line: ${reasons}`}`;
      })
      .join('\n');
  }
}
