import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { Bundle } from '../bundle/bundle';
import { type Container, type ContainerProcess, ProcessHandle } from '../container';
import { argumentTypeError, RuntimeError } from '../errors';
import { adoptKept } from '../keeper/adopt';
import { execRecords, removeRecords, removeWhenTold } from '../keeper/keeper';
import { native } from '../native';
import type { OciState } from '../oci';
import type { ExitStatus } from '../process/exit';
import { becomeReaper } from '../process/reaper';
import { type Signal, signalNumber } from '../process/signals';
import { killArgs } from './args';
import { checkCreate, createContainer } from './create';
import { CreateCache, hideFilter } from './create-cache';
import { Deadline } from './deadline';
import { deleteContainer } from './delete';
import { execInContainer } from './exec';
import { checkExec } from './exec-process';
import { notDone, operationError } from './failures';
import { leftoverIds } from './half-made';
import { checkId } from './ids';
import { Invoker } from './invoke';
import { LaunchIo } from './launch';
import { OomWatch } from './oom';
import {
  type CallOptions,
  type CreateOptions,
  checkMs,
  checkPath,
  type ExecOptions,
  type RuntimeOptions,
  resolveSettings,
  type Settings,
  type StopCallOptions,
} from './options';
import { type ContainerListItem, ContainerStatus, parseList, parseState, parseStatus } from './output';
import { KeyedQueue, Semaphore } from './queue';
import { takeInterrupted } from './recovery';
import { removeStagedBundle } from './staged-bundle';
import { settlesWithin, stuckError, stuckMs } from './stuck';
import { Tracker } from './tracker';
import { type OperationEvent, type TwoWays, Ways } from './ways';
import { checkPrivateDirectory, makePrivateDirectory } from './workspace';

export type RuntimeEvents = {
  /** A container's init has ended; told once for every container that was created or adopted here. */
  exit: [containerId: string, status: ExitStatus];
  operation: [event: OperationEvent];
  /**
   * A container was to be removed or stopped, and its process does not end on SIGKILL. Its id is held back until the
   * process is gone; then the container is removed, and `exit` tells.
   */
  stuck: [containerId: string, error: RuntimeError];
};

/** Drives one OCI runtime: its low-level operations, with the exact exit status of every process. */
export class DobbyRunC extends EventEmitter<RuntimeEvents> implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #invoker: Invoker;
  readonly #queue = new KeyedQueue();
  readonly #creates: Semaphore;
  readonly #createCache: CreateCache | null;
  readonly #oom: OomWatch;
  readonly #isReaper: boolean;
  readonly #ways: Ways;
  readonly #tracker: Tracker;
  /** Creates of killed processes, and of ended workers, that are still being waited for or removed. */
  #recovering: Promise<unknown> = Promise.resolve();
  #endedThreads = 0;
  readonly #stuck = new Map<string, RuntimeError>();
  #isClosed = false;
  #hasOwnRoot = false;

  /** @throws TypeError, RangeError for wrong options; RuntimeError ERR_RUNTIME_NOT_FOUND */
  constructor(o: RuntimeOptions = {}) {
    super();
    this.#settings = resolveSettings(o);
    this.#invoker = new Invoker(this.#settings);
    this.#creates = new Semaphore(this.#settings.maxConcurrentCreates);
    this.#createCache = usesCreateCache(this.#settings) ? new CreateCache(this.#settings.runtimePath) : null;
    this.#oom = new OomWatch(this.#settings);
    this.#ways = new Ways(this.#settings, this.#invoker, this);
    this.#tracker = new Tracker(this.#settings, this.#oom, this, (id, process) => {
      void this.#ways.keep(id, process);
      void process.exited.then((status) => this.emit('exit', id, status));
    });
    this.#isReaper = this.#settings.reaper !== 'off' && becomeReaper();
    if (this.#settings.reaper === 'subreaper' && !this.#isReaper)
      throw new RuntimeError('ERR_UNSUPPORTED', 'reaper: this kernel has no child subreaper', {
        op: 'construct',
      });
    this.#recover();
  }

  /** The runtime's --root: where it keeps the state of its containers. */
  getWorkingDir(): string {
    return this.#settings.root;
  }

  /**
   * Makes a container up to where its program would be started. The runtime has 5.5 s for it (createTimeoutMs); a
   * create that fails, is aborted or takes longer leaves nothing behind.
   */
  async create(id: string, bundle: string | Bundle, o: CreateOptions = {}): Promise<Container> {
    this.#check(id, o);
    const stuck = this.#stuck.get(id);
    if (stuck)
      throw new RuntimeError('ERR_STUCK', `create ${id}: ${stuck.message}`, {
        op: 'create',
        containerId: id,
      });
    const bundlePath = typeof bundle === 'object' && bundle !== null ? bundle.path : bundle;
    checkPath('bundle', bundlePath);
    checkCreate(o);
    const deadline = new Deadline('create', id, o);
    let io: LaunchIo | undefined;
    try {
      // Copied now: the call may wait for its turn, and the caller may close its descriptors meanwhile.
      const opened = new LaunchIo(o);
      io = opened;
      return await this.#queue.run(id, deadline, () =>
        this.#creates.run(deadline, async () => {
          makePrivateDirectory(this.#settings.root);
          // Asked for beside the first create, so that its start need not wait for the answer.
          void this.#ways.open();
          const watchdog = new Deadline('create', id, {
            timeoutMs: o.timeoutMs ?? this.#settings.createTimeoutMs,
            ...(o.signal ? { signal: o.signal } : {}),
          });
          try {
            const startedAt = performance.now();
            const launched = await createContainer(
              this.#invoker,
              this.#settings,
              {
                id,
                bundlePath,
                o,
                io: opened,
                deadline: o.timeoutMs === undefined ? watchdog : deadline,
                cache: this.#createCache,
              },
              (status) => this.#oom.refine(id, status),
            );
            this.#ways.tell('create', id, startedAt, 'cli', 'has no direct way');
            return this.#tracker.add(id, launched, opened.streams);
          } finally {
            watchdog.dispose();
          }
        }),
      );
    } catch (error) {
      io?.close();
      throw operationError(error, 'create', id);
    } finally {
      deadline.dispose();
    }
  }

  /** Lets a created container's program start. */
  start(id: string, o: CallOptions = {}): Promise<void> {
    return this.#verb('start', id, o, {
      direct: (direct, deadline) => direct.start(id, deadline.rest()),
      cli: async (deadline) => {
        await this.#cli('start', id, ['start', id], deadline);
        // Both runtimes remove it; while it is there, the container has not been started.
        if (fs.existsSync(path.join(this.#settings.root, id, 'exec.fifo'))) throw notDone('start', id);
      },
    });
  }

  /** create and start; the same effect as the runtime's `run --detach`. When start fails the container is removed. */
  async run(id: string, bundle: string | Bundle, o: CreateOptions = {}): Promise<Container> {
    const container = await this.create(id, bundle, o);
    try {
      await container.start(pickCall(o));
      return container;
    } catch (error) {
      await this.destroy(id, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** Sends one signal to the container's init, or with `all` to every process of the container. */
  async killCont(id: string, signal: Signal, o: CallOptions & { all?: boolean } = {}): Promise<void> {
    const number = signalNumber(signal);
    const all = o.all === true;
    return await this.#verb('kill', id, o, {
      direct: (direct) => direct.kill(id, number, all),
      cli: (deadline) => this.#cli('kill', id, killArgs(id, number, all), deadline),
    });
  }

  pause(id: string, o: CallOptions = {}): Promise<void> {
    return this.#verb('pause', id, o, {
      direct: (direct) => direct.pause(id),
      cli: (deadline) => this.#cli('pause', id, ['pause', id], deadline),
    });
  }

  resume(id: string, o: CallOptions = {}): Promise<void> {
    return this.#verb('resume', id, o, {
      direct: (direct) => direct.resume(id),
      cli: (deadline) => this.#cli('resume', id, ['resume', id], deadline),
    });
  }

  /** Starts a process in a running container. Its exit status is always told. */
  async exec(id: string, command: readonly string[], o: ExecOptions = {}): Promise<ContainerProcess> {
    this.#check(id, o);
    checkExec(command, o);
    const deadline = new Deadline('exec', id, o);
    let io: LaunchIo | undefined;
    try {
      const opened = new LaunchIo(o);
      io = opened;
      return await this.#queue.run(id, deadline, async () => {
        const startedAt = performance.now();
        this.#checkRoot();
        const launched = await execInContainer(
          this.#invoker,
          this.#settings,
          { id, command, o, io: opened, deadline, isReaper: this.#isReaper },
          (status) => this.#oom.refine(id, status),
        );
        this.#ways.tell('exec', id, startedAt, 'cli', 'has no direct way');
        return new ProcessHandle({ containerId: id, ...launched, streams: opened.streams });
      });
    } catch (error) {
      io?.close();
      throw operationError(error, 'exec', id);
    } finally {
      deadline.dispose();
    }
  }

  /** 'unknown' when there is no such container; every other failure rejects. */
  async state(id: string, o: CallOptions = {}): Promise<ContainerStatus> {
    try {
      return parseStatus((await this.inspect(id, o)).status);
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'ERR_CONTAINER_NOT_FOUND')
        return ContainerStatus.Unknown;
      throw error;
    }
  }

  /** What the runtime's `state` tells of a container. */
  async inspect(id: string, o: CallOptions = {}): Promise<OciState> {
    const state = await this.#verb<OciState>('state', id, o, {
      direct: (direct) => direct.state(id),
      cli: async (deadline) => {
        const { stdout, argv } = await this.#invoker.invoke({
          op: 'state',
          id,
          args: ['state', id],
          deadline,
        });
        return parseState(stdout, id, argv);
      },
    });
    return hideFilter(state);
  }

  /** All containers below the root. */
  async list(o: CallOptions = {}): Promise<ContainerListItem[]> {
    this.#checkOpen('list');
    const deadline = new Deadline('list', undefined, o);
    try {
      await deadline.race(this.#recovering);
      this.#checkRoot();
      return await this.#ways.take<ContainerListItem[]>('list', undefined, deadline, {
        direct: (direct) => direct.list(),
        cli: async () => {
          if (!fs.existsSync(this.#settings.root)) return [];
          const args = ['list', '--format', 'json'];
          const { stdout, argv } = await this.#invoker.invoke({ op: 'list', args, deadline });
          return parseList(stdout, argv);
        },
      });
    } catch (error) {
      throw operationError(error, 'list');
    } finally {
      deadline.dispose();
    }
  }

  /**
   * The ids of what killed creates and deletes of others have left below the root: directories without a state file
   * that no runtime is at work on. list() has none of them; destroy() removes them. What this package's own killed
   * processes had under way is cleaned up unasked.
   */
  async leftovers(o: CallOptions = {}): Promise<string[]> {
    this.#checkOpen('leftovers');
    const deadline = new Deadline('leftovers', undefined, o);
    try {
      await deadline.race(this.#recovering);
      return leftoverIds(this.#settings);
    } finally {
      deadline.dispose();
    }
  }

  /** Removes a container; one that the runtime refuses to remove (it runs) is removed by force. */
  async destroy(id: string, o: CallOptions & { force?: boolean } = {}): Promise<void> {
    try {
      await this.#verb('destroy', id, o, {
        direct: (direct, deadline) => direct.destroy(id, { ...deadline.rest(), force: o.force === true }),
        cli: (deadline) =>
          deleteContainer(this.#invoker, this.#settings, {
            id,
            force: o.force === true,
            process: this.#tracker.get(id)?.process,
            deadline,
          }),
      });
    } catch (error) {
      this.#noteStuck(id, error);
      throw error;
    }
    await this.#forget(id);
  }

  /** From here on the id is nobody's, until the process that can't be killed is seen to have ended. */
  #noteStuck(id: string, error: unknown): void {
    if (!(error instanceof RuntimeError) || error.code !== 'ERR_STUCK' || this.#stuck.has(id)) return;
    this.#stuck.set(id, error);
    this.emit('stuck', id, error);
    void this.#outlast(id).catch(() => {});
  }

  async #outlast(id: string): Promise<void> {
    const deadline = new Deadline('destroy', id, {});
    try {
      const { container } = await this.#tracker.find(id, deadline);
      await container.exited;
      // What the runtime knows no more is still to be forgotten here.
      if (!this.#isClosed) await this.destroy(id, { force: true }).catch(() => this.#forget(id));
    } finally {
      deadline.dispose();
      this.#stuck.delete(id);
    }
  }

  /** Asks a container to end (SIGTERM), after graceMs milliseconds (500) with SIGKILL. */
  async stop(id: string, o: StopCallOptions = {}): Promise<ExitStatus & { escalated: boolean }> {
    const { signal, timeoutMs } = o;
    const abort = signal instanceof AbortSignal ? signal : undefined;
    const call = pickCall({ signal: abort, timeoutMs });
    const stopSignal = o.stopSignal ?? (abort ? undefined : (signal as Signal | undefined));
    const number = stopSignal === undefined ? this.#settings.stopSignal : signalNumber(stopSignal);
    const graceMs = o.graceMs === undefined ? this.#settings.stopGraceMs : checkMs('graceMs', o.graceMs, 0);
    this.#check(id, call);
    const deadline = new Deadline('stop', id, call);
    try {
      const { container } = await this.#tracker.find(id, deadline);
      let escalated = false;
      if ((await container.kill(number)) && !(await endsWithin(container.exited, graceMs, deadline))) {
        escalated = true;
        await container.kill('SIGKILL');
        // A frozen process dies only when it is thawed (cgroup v1).
        if ((await this.state(id, call)) === 'paused') await this.resume(id, call).catch(() => {});
      }
      if (escalated && !(await endsWithin(container.exited, stuckMs, deadline)))
        throw stuckError('stop', id, container.pid);
      return { ...(await deadline.race(container.exited)), escalated };
    } catch (error) {
      this.#noteStuck(id, error);
      throw error;
    } finally {
      deadline.dispose();
    }
  }

  /** Waits for a container's init to end, also of one that this process did not create. */
  async wait(id: string, o: CallOptions = {}): Promise<ExitStatus> {
    this.#check(id, o);
    const deadline = new Deadline('wait', id, o);
    try {
      const { container } = await this.#tracker.find(id, deadline);
      return await deadline.race(container.exited);
    } finally {
      deadline.dispose();
    }
  }

  /**
   * Takes over a container that another process created: its exit is watched from now on. Of its streams it has
   * those that are kept pipes; only one process should read them.
   */
  async adopt(id: string, o: CallOptions = {}): Promise<Container> {
    this.#check(id, o);
    const deadline = new Deadline('adopt', id, o);
    try {
      return (await this.#tracker.find(id, deadline)).container;
    } finally {
      deadline.dispose();
    }
  }

  /**
   * Takes over the processes that others, now gone, exec'd into a container under keepers (`keeper: 'own'`), also those
   * that have ended since: how each of them ended is told once.
   */
  async adoptExecs(id: string, o: CallOptions = {}): Promise<ContainerProcess[]> {
    this.#check(id, o);
    const deadline = new Deadline('adopt', id, o);
    try {
      return await this.#queue.run(id, deadline, async () => {
        const adopted = await Promise.all(
          execRecords(this.#settings.root, id).map(async (record) => {
            const kept = await adoptKept(record, (status) => this.#oom.refine(id, status));
            if (!kept) return [];
            removeWhenTold(record, kept.process);
            return [new ProcessHandle({ containerId: id, runtimePid: 0, ...kept, tty: null })];
          }),
        );
        return adopted.flat();
      });
    } finally {
      deadline.dispose();
    }
  }

  /** Stops watching: the containers go on, and waiting for them no longer keeps the event loop alive. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#tracker.release();
    await this.#ways.close();
    this.#invoker.release();
  }

  async #cli(op: string, id: string, args: string[], deadline: Deadline): Promise<void> {
    await this.#invoker.invoke({ op, id, args, deadline });
  }

  /** One operation on one container: checked, in its turn, directly or by the command line. */
  async #verb<T>(op: string, id: string, o: CallOptions, ways: TwoWays<T>): Promise<T> {
    this.#check(id, o);
    const deadline = new Deadline(op, id, o);
    try {
      return await this.#queue.run(id, deadline, () => {
        this.#checkRoot();
        return this.#ways.take<T>(op, id, deadline, ways);
      });
    } catch (error) {
      throw operationError(error, op, id);
    } finally {
      deadline.dispose();
    }
  }

  /** The container is removed: its init has ended, and so have its streams. */
  async #forget(id: string): Promise<void> {
    const known = this.#tracker.remove(id);
    this.#oom.forget(id);
    this.#ways.forget(id);
    if (this.#settings.kind === 'runc') removeStagedBundle(id, this.#settings.root);
    removeRecords(this.#settings.root, id);
    if (!known) return;
    known.container.tty?.destroy();
    await known.process.exited;
  }

  /** Every later call on the same id, and list(), wait for it. */
  #recover(): void {
    this.#endedThreads = native.endedEnvironments();
    const interrupted = takeInterrupted(this.#invoker, this.#settings);
    if (interrupted.length === 0) return;
    this.#recovering = Promise.all([
      this.#recovering,
      ...interrupted.map(({ id, recover }) => this.#queue.run(id, new Deadline('recover', id, {}), recover)),
    ]);
  }

  #check(id: string, o: CallOptions): void {
    if (typeof o !== 'object' || o === null) throw argumentTypeError('options: must be an object');
    checkId(id, this.#settings.idRules);
    this.#checkOpen(id);
  }

  /** Another user's root would have his word for which process to kill. Looked at until it is there and ours. */
  #checkRoot(): void {
    if (!this.#hasOwnRoot) this.#hasOwnRoot = checkPrivateDirectory(this.#settings.root);
  }

  #checkOpen(what: string): void {
    if (this.#isClosed)
      throw new RuntimeError('ERR_ABORTED', `${what}: this DobbyRunC is disposed`, { op: 'check' });
    // A worker that has ended meanwhile may have had creates under way.
    if (native.endedEnvironments() !== this.#endedThreads) this.#recover();
  }
}

/** Only crun takes a filter that was made before. */
function usesCreateCache({ kind, createCache }: Settings): boolean {
  return kind === 'crun' && createCache;
}

function pickCall({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

async function endsWithin(exited: Promise<unknown>, ms: number, deadline: Deadline): Promise<boolean> {
  return await settlesWithin(exited, ms, (outcome) => deadline.race(outcome));
}
