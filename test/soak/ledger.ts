import type { ContainerProcess, ExitStatus } from '../../src/index';

/** How a process has to end: an exit code, or the name of a signal. */
export type Ending = number | NodeJS.Signals;

export interface Expectation {
  ending: Ending;
  oomKilled?: boolean;
}

/** The books of a soak: every start, every exit, every status, and what does not balance. */
export class Ledger {
  readonly faults: string[] = [];
  starts = 0;
  exits = 0;
  rightStatuses = 0;
  oomKills = 0;
  readonly byKind = new Map<string, number>();

  /** A process has been started; its end, if `expected` is given, is compared. Resolves when it has ended. */
  async follow(kind: string, process: ContainerProcess, expected: Expectation): Promise<ExitStatus> {
    this.starts++;
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
    const status = await process.exited;
    this.exits++;
    if (status.oomKilled) this.oomKills++;
    const ending: Ending | null = status.code ?? status.signal;
    if (ending === expected.ending && status.oomKilled === (expected.oomKilled ?? false))
      this.rightStatuses++;
    else
      this.fault(
        `${kind} ${process.containerId} pid ${process.pid}: ended by ${ending} (${status.source}${status.oomKilled ? ', oom' : ''}), not ${expected.ending}`,
      );
    return status;
  }

  fault(what: string): void {
    if (this.faults.length < 100) this.faults.push(what);
  }

  summary(): Record<string, unknown> {
    const { starts, exits, rightStatuses, oomKills, faults } = this;
    return { starts, exits, rightStatuses, oomKills, byKind: Object.fromEntries(this.byKind), faults };
  }
}
