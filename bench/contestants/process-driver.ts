/** How a process ended: what every contestant can tell. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

export interface StartedProcess {
  /** Resolves when this contestant's own way of telling says that the process has exited. */
  exited: Promise<Exit>;
  /** Sends SIGKILL. */
  kill(): void;
}

/** Starts plain processes, their output ignored; the call returns when the contestant's own call does. */
export interface ProcessDriver {
  start(file: string, args: readonly string[]): StartedProcess | Promise<StartedProcess>;
}

/** A measurement of a command that failed is none. */
export function expectSuccess(exit: Exit, what: string): void {
  if (exit.code !== 0) throw new Error(`${what} ended with ${exit.signal ?? exit.code}`);
}
