import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Job } from './question';
import type { Reply } from './worker-messages';

const worker = path.join(__dirname, 'worker.js');

/** A measuring process, seen from the harness. */
export class WorkerClient {
  readonly #child: ChildProcess;

  constructor(nodeArguments: readonly string[]) {
    this.#child = fork(worker, [], {
      execArgv: ['--expose-gc', ...nodeArguments],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // What a competitor is given from outside is the same as what the others are given.
    this.#child.on('error', () => {});
  }

  get alive(): boolean {
    return this.#child.connected;
  }

  /** Never rejects: a worker that dies or hangs is an error reply. */
  run(job: Job, timeLimitMs: number): Promise<Reply> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => finish({ error: `no answer within ${timeLimitMs / 1000} s` }),
        timeLimitMs,
      );
      const onMessage = (reply: Reply) => finish(reply);
      const onExit = (code: number | null, signal: string | null) =>
        finish({ error: `the measuring process ended with ${signal ?? code}` });
      const finish = (reply: Reply) => {
        clearTimeout(timer);
        this.#child.off('message', onMessage).off('exit', onExit);
        resolve(reply);
      };
      this.#child.once('message', onMessage).once('exit', onExit);
      this.#child.send(job);
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  }
}
