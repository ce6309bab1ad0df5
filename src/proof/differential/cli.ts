import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

const kTimeoutMs = 20_000;

/** The runtime's own command line. */
export class Cli {
  readonly #runtime: string;
  readonly #root: string;
  readonly #scratch: string;

  constructor(runtime: string, root: string, scratch: string) {
    this.#runtime = runtime;
    this.#root = root;
    this.#scratch = scratch;
  }

  /** Output goes to files: a container inherits the descriptors and would keep pipes open. */
  run(...args: string[]): Promise<CliResult> {
    return this.#start(args, {});
  }

  async #start(args: readonly string[], env: Record<string, string>): Promise<CliResult> {
    const outFile = `${this.#scratch}/cli.out`;
    const errFile = `${this.#scratch}/cli.err`;
    const out = openSync(outFile, 'w');
    const err = openSync(errFile, 'w');
    const path = process.env.PATH ?? '/usr/bin:/bin:/usr/sbin:/sbin';
    const child = spawn(this.#runtime, ['--root', this.#root, ...args], {
      stdio: ['ignore', out, err],
      env: { PATH: path, ...env },
      timeout: kTimeoutMs,
      killSignal: 'SIGKILL',
    });
    closeSync(out);
    closeSync(err);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    return { code, stdout: readFileSync(outFile, 'utf8'), stderr: readFileSync(errFile, 'utf8') };
  }
}
