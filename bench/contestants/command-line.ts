import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Unsupported } from '../question';
import type { BenchContainer, ContainerDriver, ContainerIo, DriverOptions } from './container-driver';

/** How a competitor calls the runtime. */
export interface Caller {
  /** Runs it to its end; resolves to what it printed. */
  capture(file: string, args: readonly string[]): Promise<string>;
  /** Runs it to its end without output. */
  act(file: string, args: readonly string[]): Promise<void>;
  /** Runs `create`, whose standard streams become the container's, and resolves when the command has ended. */
  create(file: string, args: readonly string[], stdout: 'ignore' | 'pipe' | number): Promise<Readable | null>;
}

function failure(args: readonly string[], code: unknown, errors: string): Error {
  return new Error(`${args.join(' ')} ended with ${String(code)}: ${errors.trim()}`);
}

async function expectExit(child: ChildProcess, args: readonly string[]): Promise<void> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code !== 0) throw failure(args, signal ?? code, '');
}

export const spawnCaller: Caller = {
  async capture(file, args) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    const [output, errors, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      closed,
    ]);
    if (code !== 0) throw failure(args, signal ?? code, errors);
    return output;
  },
  async act(file, args) {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    const [errors, [code, signal]] = await Promise.all([text(child.stderr), closed]);
    if (code !== 0) throw failure(args, signal ?? code, errors);
  },
  async create(file, args, stdout) {
    // 'exit', not 'close': the container keeps the streams open. No pipe for stderr, which nobody would read.
    const stdio: StdioOptions = ['ignore', stdout, 'ignore'];
    const child = spawn(file, args, { stdio });
    await expectExit(child, args);
    return child.stdout;
  },
};

const execFilePromise = promisify(execFile);

export const execFileCaller: Caller = {
  capture: async (file, args) => (await execFilePromise(file, args)).stdout,
  act: async (file, args) => void (await execFilePromise(file, args)),
  create: async () => {
    throw new Unsupported('execFile waits for the end of output, which the container holds open');
  },
};

export async function openExecaCaller(): Promise<Caller> {
  const { execa } = await import('execa');
  return {
    capture: async (file, args) => (await execa(file, args, { stdin: 'ignore' })).stdout,
    act: async (file, args) => void (await execa(file, args, { stdin: 'ignore', stdout: 'ignore' })),
    async create(file, args, stdout) {
      // Its promise would wait for the container's end of output; it must not be rejected unheard either.
      const subprocess = execa(file, args, {
        stdin: 'ignore',
        // It takes a descriptor's number as well, which its types know only for a few.
        stdout: stdout as 'pipe',
        stderr: 'ignore',
        buffer: false,
        reject: false,
      });
      await expectExit(subprocess, args);
      return subprocess.stdout;
    },
  };
}

/** Whoever is not the parent of a process and has no pidfd asks again and again. */
async function pollForExit(pid: number): Promise<void> {
  for (;;) {
    try {
      const stat = await fs.readFile(`/proc/${pid}/stat`, 'latin1');
      if (/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))) return;
    } catch {
      return;
    }
    await sleep(2);
  }
}

/** The runtime's command line, called by a competitor as its users would. */
export class CommandLineDriver implements ContainerDriver {
  constructor(
    private readonly caller: Caller,
    private readonly options: DriverOptions,
  ) {}

  async create(id: string, bundle: string, io: ContainerIo): Promise<BenchContainer> {
    if (io.tty) throw new Unsupported('Node cannot receive a descriptor, so not the terminal either');
    const { runtime } = this.options;
    const pidFile = path.join(this.options.root, `.${id}.pid`);
    const args = this.#args('create', '--bundle', bundle, '--pid-file', pidFile, id);
    const file = typeof io.stdout === 'object' ? await fs.open(io.stdout.file, 'w') : null;
    const stdout = file ? file.fd : (io.stdout as 'ignore' | 'pipe');
    const output = await this.caller.create(runtime, args, stdout);
    await file?.close();
    const pid = Number(await fs.readFile(pidFile, 'latin1'));
    await fs.unlink(pidFile);
    // The end of its output is the first that is heard of its exit.
    const exited = output ? new Promise<void>((resolve) => output.once('close', resolve)) : undefined;
    return {
      output,
      // Lazily: nothing polls while other things are measured.
      get exited() {
        return exited ?? pollForExit(pid);
      },
    };
  }

  start = (id: string) => this.#act('start', id);
  pause = (id: string) => this.#act('pause', id);
  resume = (id: string) => this.#act('resume', id);
  signal = (id: string) => this.#act('kill', id, '18');
  kill = (id: string) => this.#act('kill', id, '9');
  // By force: the end of its output may be seen a moment before its exit.
  destroy = (id: string) => this.#act('delete', '--force', id);

  async state(id: string): Promise<void> {
    const state = JSON.parse(await this.#capture('state', id)) as { status: string };
    if (typeof state.status !== 'string') throw new Error(`state of ${id} has no status`);
  }

  async list(): Promise<number> {
    return ((JSON.parse(await this.#capture('list', '--format', 'json')) ?? []) as unknown[]).length;
  }

  async exec(id: string): Promise<() => Promise<void>> {
    // Its own streams, or the exec'd process would hold the caller's pipes open.
    await this.caller.create(
      this.options.runtime,
      this.#args('exec', '--detach', id, '/probe', 'exit', '0'),
      'ignore',
    );
    return async () => {};
  }

  async close(): Promise<void> {}

  #args(...args: string[]): string[] {
    return ['--root', this.options.root, ...args];
  }

  #act(...args: string[]): Promise<void> {
    return this.caller.act(this.options.runtime, this.#args(...args));
  }

  #capture(...args: string[]): Promise<string> {
    return this.caller.capture(this.options.runtime, this.#args(...args));
  }
}
