import { createRequire } from 'node:module';
import path from 'node:path';
import { Readable } from 'node:stream';
import { competitorsDirectory } from '../paths';
import { Unsupported } from '../question';
import type { BenchContainer, ContainerDriver, ContainerIo, DriverOptions } from './container-driver';

/** What is used of node-pty, which is not among the development dependencies: it is compiled at installation. */
interface Pty {
  onData(listener: (data: Uint8Array) => void): void;
  onExit(listener: (exit: { exitCode: number }) => void): void;
}
interface NodePty {
  spawn(file: string, args: string[], options: { encoding: null; cols: number; rows: number }): Pty;
}

function load(): NodePty {
  for (const base of [__filename, path.join(competitorsDirectory, 'node_modules', 'x')]) {
    try {
      return createRequire(base)('node-pty') as NodePty;
    } catch {
      // Not here.
    }
  }
  throw new Unsupported('not installed: npm install --prefix .cache/bench node-pty');
}

/**
 * A container's terminal as a user of node-pty gets it: the runtime's `run` as the pty's process, which copies
 * between that terminal and the container's. Only what the output question needs.
 */
export class NodePtyDriver implements ContainerDriver {
  #begin: (() => void) | undefined;

  private constructor(
    private readonly pty: NodePty,
    private readonly options: DriverOptions,
  ) {}

  static async open(options: DriverOptions): Promise<NodePtyDriver> {
    return new NodePtyDriver(load(), options);
  }

  async create(id: string, bundle: string, _io: ContainerIo): Promise<BenchContainer> {
    const output = new Readable({ read() {} });
    const { runtime, root } = this.options;
    const exited = new Promise<void>((resolve, reject) => {
      this.#begin = () => {
        const args = ['--root', root, 'run', '--bundle', bundle, id];
        const pty = this.pty.spawn(runtime, args, { encoding: null, cols: 80, rows: 25 });
        pty.onData((data) => output.push(data));
        pty.onExit(({ exitCode }) => {
          output.push(null);
          if (exitCode === 0) resolve();
          else reject(new Error(`run of ${id} ended with ${exitCode}`));
        });
      };
    });
    return { output, exited };
  }

  async start(): Promise<void> {
    this.#begin?.();
  }

  // `run` has removed the container when it ends.
  async destroy(): Promise<void> {}
  async close(): Promise<void> {}

  state = unneeded;
  pause = unneeded;
  resume = unneeded;
  exec = unneeded;
  signal = unneeded;
  kill = unneeded;
  list = unneeded;
}

async function unneeded(): Promise<never> {
  throw new Unsupported('not measured with node-pty');
}
