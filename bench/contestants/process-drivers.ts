import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import type { Exit, ProcessDriver, StartedProcess } from './process-driver';

const execFilePromise = promisify(execFile);

const childProcess: ProcessDriver = {
  start(file, args) {
    const child = spawn(file, args, { stdio: 'ignore' });
    const exited = new Promise<Exit>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    return { exited, kill: () => void child.kill('SIGKILL') };
  },
};

const promisifiedExecFile: ProcessDriver = {
  start(file, args) {
    const promise = execFilePromise(file, args);
    const exited = promise.then(
      () => ({ code: 0, signal: null }),
      (error: Partial<Exit>) => {
        // A string is an errno: it was not started at all.
        if (typeof error.code === 'string') throw error;
        return { code: error.code ?? null, signal: error.signal ?? null };
      },
    );
    return { exited, kill: () => void promise.child.kill('SIGKILL') };
  },
};

async function execaDriver(): Promise<ProcessDriver> {
  const { execa } = await import('execa');
  return {
    start(file, args) {
      const subprocess = execa(file, args, { stdio: 'ignore', reject: false });
      const exited = subprocess.then((result): Exit => {
        if (result.exitCode === undefined && result.signal === undefined) throw result as unknown as Error;
        return { code: result.exitCode ?? null, signal: result.signal ?? null };
      });
      return { exited, kill: () => void subprocess.kill('SIGKILL') };
    },
  };
}

/** dobby-runc's own spawn and exit watch, which its operations are made of; not part of its public interface. */
async function ownDriver(where: 'thread' | 'loop' | undefined): Promise<ProcessDriver> {
  const { spawnProcess } = await import('../../src/process/spawn.js');
  const { WatchedProcess } = await import('../../src/process/exit.js');
  const env = { PATH: process.env.PATH ?? '' };
  return {
    async start(file, args) {
      const request = { file, argv: [file, ...args], env, fds: [-1, -1, -1] };
      const { pid, pidfd } = await spawnProcess(where === undefined ? request : { ...request, where });
      let watched: InstanceType<typeof WatchedProcess> | undefined;
      const exited = new Promise<Exit>((resolve) => {
        watched = new WatchedProcess(pid, pidfd, resolve);
      });
      return { exited, kill: () => void watched?.kill(9) } satisfies StartedProcess;
    },
  };
}

/** Whoever can start a plain process. */
export async function openProcessDriver(contestant: string): Promise<ProcessDriver> {
  switch (contestant) {
    case 'spawn':
      return childProcess;
    case 'execFile':
      return promisifiedExecFile;
    case 'execa':
      return execaDriver();
    case 'dobby':
      return ownDriver(undefined);
    case 'dobby-thread':
      return ownDriver('thread');
    case 'dobby-loop':
      return ownDriver('loop');
    default:
      throw new Error(`${contestant} starts no processes`);
  }
}
