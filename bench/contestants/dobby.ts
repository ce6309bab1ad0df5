import type { Container, DobbyRunC } from '../../src/index';
import type { BenchContainer, ContainerDriver, ContainerIo, DriverOptions } from './container-driver';

/** dobby-runc by its public interface. */
export class DobbyDriver implements ContainerDriver {
  private constructor(private readonly runc: DobbyRunC) {}
  readonly #containers = new Map<string, Container>();

  static async open(
    contestant: string,
    { runtime, root, cgroupManager }: DriverOptions,
  ): Promise<DobbyDriver> {
    // Only in the processes that measure it: the others' must not carry its code.
    const { DobbyRunC: Class } = await import('../../src/index.js');
    return new DobbyDriver(
      new Class({
        runtime,
        root,
        direct: contestant === 'dobby-cli' || contestant === 'dobby-path' ? 'off' : 'auto',
        createCache: contestant !== 'dobby-uncached',
        ...(cgroupManager === undefined ? {} : { cgroupManager }),
        runtimeImage: contestant === 'dobby-path' ? 'path' : 'memfd',
      }),
    );
  }

  async create(id: string, bundle: string, io: ContainerIo): Promise<BenchContainer> {
    const container = await this.runc.create(id, bundle, io.tty ? { tty: true } : { stdout: io.stdout });
    this.#containers.set(id, container);
    return {
      output: io.tty ? container.tty : container.stdout,
      exited: container.exited.then(() => undefined),
    };
  }

  start = (id: string) => this.runc.start(id);
  pause = (id: string) => this.runc.pause(id);
  resume = (id: string) => this.runc.resume(id);
  signal = (id: string) => this.runc.killCont(id, 'SIGCONT');
  kill = (id: string) => this.runc.killCont(id, 'SIGKILL');

  async state(id: string): Promise<void> {
    const status = await this.runc.state(id);
    if (status === 'unknown') throw new Error(`state of ${id} is unknown`);
  }

  async exec(id: string): Promise<() => Promise<void>> {
    const started = await this.runc.exec(id, ['/probe', 'exit', '0']);
    return async () => {
      const { code } = await started.exited;
      if (code !== 0) throw new Error(`exec in ${id} ended with ${code}`);
    };
  }

  async list(): Promise<number> {
    return (await this.runc.list()).length;
  }

  async destroy(id: string): Promise<void> {
    await this.runc.destroy(id);
    this.#containers.delete(id);
  }

  close(): Promise<void> {
    return this.runc[Symbol.asyncDispose]();
  }
}
