import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { Bundle } from '../bundle/bundle';
import { toJson } from '../bundle/json';
import { type Container, ContainerHandle, type ContainerProcess, ProcessHandle } from '../container';
import { argumentTypeError, RuntimeError } from '../errors';
import { type Adopted, adoptKept } from '../keeper/adopt';
import { execRecords, initRecord, newRecord, removeRecords, removeWhenTold } from '../keeper/keeper';
import { readRecord } from '../keeper/record';
import { native } from '../native';
import type { OciState } from '../oci';
import type { ExitStatus } from '../process/exit';
import { becomeReaper } from '../process/reaper';
import { reattach } from '../process/reattach';
import { type Signal, signalNumber } from '../process/signals';
import { ProcessStreams } from '../process/stdio';
import { goneProcess, type Supervised, SupervisedProcess } from '../process/supervise';
import { deleteArgs, execArgs, killArgs } from './args';
import { containerConfig } from './container-config';
import { checkCreate, createContainer } from './create';
import { CreateCache, hideFilter } from './create-cache';
import { Deadline } from './deadline';
import { DirectOperations } from './direct';
import { checkExec, execProcess } from './exec-process';
import { operationError } from './failures';
import { initPid, isHalfMade, leftoverIds, removeHalfMade } from './half-made';
import { checkId } from './ids';
import { Invoker } from './invoke';
import { LaunchIo, launch } from './launch';
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
import type { Direct } from './state';
import { forcedDeleteMs, isAlive, settlesWithin, stuckError, stuckMs } from './stuck';
import { textMemfd } from './text-memfd';
import { checkPrivateDirectory, makePrivateDirectory } from './workspace';

/** How an operation was done, for those who measure. */
export interface OperationEvent {
  op: string;
  containerId?: string;
  /** 'direct': without starting the runtime; 'cli': by its command line. */
  way: 'direct' | 'cli';
  /** Why not directly. */
  why?: string;
  durationMs: number;
}

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

/** A container that is watched here. */
interface Tracked {
  container: Container;
  process: Supervised;
}

/** Drives one OCI runtime: its low-level operations, with the exact exit status of every process. */
export class DobbyRunC extends EventEmitter<RuntimeEvents> implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #invoker: Invoker;
  readonly #queue = new KeyedQueue();
  readonly #creates: Semaphore;
  readonly #createCache: CreateCache | null;
  readonly #oom: OomWatch;
  readonly #isReaper: boolean;
  readonly #tracked = new Map<string, Tracked>();
  readonly #finding = new Map<string, Promise<Tracked>>();
  #direct: DirectOperations | string | null = null;
  #openingPromise: Promise<DirectOperations | string> | null = null;
  /** Creates of killed processes that are still being waited for or removed. */
  #recovering: Promise<unknown> = Promise.resolve();
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
          void this.#openingDirect();
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
            this.#tell('create', id, startedAt, 'cli', 'has no direct way');
            return this.#track(id, launched.process, launched.runtimePid, opened.streams, launched.tty);
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
      return await this.#queue.run(id, deadline, () => this.#exec(id, command, o, opened, deadline));
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
      return await this.#either<ContainerListItem[]>('list', undefined, deadline, {
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
        cli: (deadline) => this.#delete(id, o.force === true, deadline),
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
      const { container } = await this.#find(id, deadline);
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
      const { container } = await this.#find(id, deadline);
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
      const { container } = await this.#find(id, deadline);
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
      return (await this.#find(id, deadline)).container;
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
    for (const { container } of this.#tracked.values()) container.unref();
    this.#tracked.clear();
    const direct = await this.#openingPromise;
    if (direct instanceof DirectOperations) direct.close();
    this.#invoker.release();
  }

  async #exec(
    id: string,
    command: readonly string[],
    o: ExecOptions,
    io: LaunchIo,
    deadline: Deadline,
  ): Promise<ContainerProcess> {
    const startedAt = performance.now();
    this.#checkRoot();
    const spec = execProcess(command, o, io.tty, () => containerConfig(this.#settings, id));
    const processFile = spec ? textMemfd('dobby-runc-process', toJson(spec)) : null;
    const record = this.#settings.keeper === null ? undefined : newRecord(this.#settings.root, id, 'exec');
    const hasParent = this.#isReaper || record !== undefined;
    try {
      const launched = await launch(this.#invoker, {
        op: 'exec',
        id,
        deadline,
        io,
        attached: !hasParent,
        ...(record === undefined ? {} : { record }),
        initPid: () => initPid(this.#settings, id),
        refine: (status) => this.#oom.refine(id, status),
        args: (paths) =>
          execArgs(
            id,
            command,
            {
              detach: hasParent,
              tty: io.tty !== null,
              fileCount: io.fileCount,
              ...paths,
              ...(processFile ? { processPath: processFile.path } : {}),
            },
            o,
          ),
      });
      this.#tell('exec', id, startedAt, 'cli', 'has no direct way');
      if (record !== undefined) removeWhenTold(record, launched.process);
      return new ProcessHandle({ containerId: id, ...launched, streams: io.streams });
    } catch (error) {
      if (record !== undefined) fs.rmSync(record, { force: true });
      throw error;
    } finally {
      if (processFile) native.close(processFile.fd);
    }
  }

  async #delete(id: string, force: boolean, deadline: Deadline): Promise<void> {
    if (isHalfMade(this.#settings, id)) {
      await removeHalfMade(this.#invoker, this.#settings, id, force);
      return;
    }
    if (!force) {
      try {
        await this.#cli('delete', id, deleteArgs(id, false), deadline);
        this.#checkDeleted(id);
        return;
      } catch (error) {
        const isRefused =
          error instanceof RuntimeError &&
          error.exitCode !== null &&
          error.code !== 'ERR_CONTAINER_NOT_FOUND';
        if (!isRefused || deadline.stopped) throw error;
      }
    }
    await this.#deleteByForce(id, deadline);
  }

  /**
   * Kills the init of a container that is watched here. Not left to the runtime: crun removes what it knows of a
   * container as soon as it has sent SIGKILL, also when the process does not end.
   */
  async #endInit(id: string, deadline: Deadline): Promise<void> {
    const process = this.#tracked.get(id)?.process;
    if (!process?.kill(sigkill) || (await endsWithin(process.exited, frozenMs, deadline))) return;
    // A frozen process dies only when it is thawed (cgroup v1).
    await this.#cli('resume', id, ['resume', id], deadline).catch(() => {});
    if (!(await endsWithin(process.exited, stuckMs, deadline))) throw stuckError('destroy', id, process.pid);
  }

  async #deleteByForce(id: string, deadline: Deadline): Promise<void> {
    await this.#endInit(id, deadline);
    const pid = initPid(this.#settings, id);
    const rest = deadline.rest();
    const limit = new Deadline('destroy', id, { ...rest, timeoutMs: rest.timeoutMs ?? forcedDeleteMs });
    try {
      await this.#cli('delete', id, deleteArgs(id, true), limit);
      this.#checkDeleted(id);
    } catch (error) {
      if (!deadline.stopped && limit.stopped && isAlive(pid)) throw stuckError('destroy', id, pid);
      throw error;
    } finally {
      limit.dispose();
    }
  }

  #checkDeleted(id: string): void {
    if (fs.existsSync(path.join(this.#settings.root, id))) throw notDone('delete', id);
  }

  async #cli(op: string, id: string, args: string[], deadline: Deadline): Promise<void> {
    await this.#invoker.invoke({ op, id, args, deadline });
  }

  /** One operation on one container: checked, in its turn, directly or by the command line. */
  async #verb<T>(op: string, id: string, o: CallOptions, ways: Ways<T>): Promise<T> {
    this.#check(id, o);
    const deadline = new Deadline(op, id, o);
    try {
      return await this.#queue.run(id, deadline, () => this.#either<T>(op, id, deadline, ways));
    } catch (error) {
      throw operationError(error, op, id);
    } finally {
      deadline.dispose();
    }
  }

  async #either<T>(op: string, id: string | undefined, deadline: Deadline, ways: Ways<T>): Promise<T> {
    const startedAt = performance.now();
    this.#checkRoot();
    const direct = this.#direct ?? (await deadline.race(this.#openingDirect()));
    let why = direct as string;
    if (direct instanceof DirectOperations) {
      const answer = await ways.direct(direct, deadline);
      if (answer.done) {
        this.#tell(op, id, startedAt, 'direct');
        return answer.value;
      }
      why = answer.why;
    }
    const value = await ways.cli(deadline);
    this.#tell(op, id, startedAt, 'cli', why);
    return value;
  }

  #tell(op: string, id: string | undefined, startedAt: number, way: 'direct' | 'cli', why?: string): void {
    if (this.listenerCount('operation') === 0) return;
    this.emit('operation', {
      op,
      ...(id === undefined ? {} : { containerId: id }),
      way,
      ...(why === undefined ? {} : { why }),
      durationMs: performance.now() - startedAt,
    });
  }

  /** The direct way, or why there is none. The runtime's version decides, so it is asked for once. */
  #openingDirect(): Promise<DirectOperations | string> {
    this.#openingPromise ??= this.#openDirect().then((direct) => {
      this.#direct = direct;
      return direct;
    });
    return this.#openingPromise;
  }

  async #openDirect(): Promise<DirectOperations | string> {
    const { direct, kind, root, cgroupManager, env } = this.#settings;
    const hasNotifySocket = 'NOTIFY_SOCKET' in env;
    if (direct === 'off') return "direct: 'off'";
    const deadline = new Deadline('version', undefined, { timeoutMs: 5000 });
    try {
      const { stdout } = await this.#invoker.invoke({ op: 'version', args: ['--version'], deadline });
      const [, name, version = ''] = /^(\w+) version (\S+)/.exec(stdout) ?? [];
      if (name !== kind) return `the runtime calls itself ${JSON.stringify(name ?? stdout.slice(0, 40))}`;
      return new DirectOperations({ kind, version, root, cgroupManager, hasNotifySocket });
    } catch (error) {
      return `the runtime does not tell its version: ${(error as Error).message}`;
    } finally {
      deadline.dispose();
    }
  }

  #track(
    id: string,
    process: Supervised,
    runtimePid: number,
    streams: ProcessStreams,
    tty: Container['tty'] = null,
  ): Container {
    const container = new ContainerHandle({ containerId: id, runtimePid, process, streams, tty }, this);
    this.#tracked.set(id, { container, process });
    void this.#keep(id, process);
    void process.exited.then((status) => this.emit('exit', id, status));
    return container;
  }

  async #keep(id: string, process: Supervised): Promise<void> {
    const direct = await this.#openingDirect();
    if (!(direct instanceof DirectOperations) || process.status) return;
    // Not yet reaped, so the pid is still this process's.
    const pidfd = native.pidfdOpen(process.pid);
    if (pidfd < 0) return;
    direct.keep(id, { pid: process.pid, pidfd });
    native.close(pidfd);
  }

  /** The container as it is known here, or adopted. */
  async #find(id: string, deadline: Deadline): Promise<Tracked> {
    const known = this.#tracked.get(id);
    if (known) return known;
    // Looked for once, however many wait for it: each look opens a watch.
    let finding = this.#finding.get(id);
    if (!finding) {
      finding = this.#adopt(id).finally(() => this.#finding.delete(id));
      this.#finding.set(id, finding);
      // Told to those who still wait for it.
      finding.catch(() => {});
    }
    return deadline.race(finding);
  }

  async #adopt(id: string): Promise<Tracked> {
    const { pid = 0 } = await this.inspect(id);
    const record = initRecord(this.#settings.root, id);
    const refine = (status: ExitStatus): ExitStatus => this.#oom.refine(id, status);
    // The record of an earlier container of the same id says nothing about this one.
    const isRecorded = readRecord(record)?.pid === initPid(this.#settings, id);
    const kept = isRecorded ? await adoptKept(record, refine) : null;
    const adopted = kept ?? (await this.#adoptRunning(id, pid, refine));
    const created = this.#tracked.get(id);
    if (created) {
      adopted?.streams.close();
      return created;
    }
    if (adopted) this.#track(id, adopted.process, 0, adopted.streams);
    const tracked = this.#tracked.get(id);
    if (tracked) return tracked;
    const process = goneProcess();
    const parts = { containerId: id, runtimePid: 0, process, streams: new ProcessStreams(), tty: null };
    return { container: new ContainerHandle(parts, this), process };
  }

  /** A container without a keeper; null when its init is gone. */
  async #adoptRunning(
    id: string,
    pid: number,
    refine: (status: ExitStatus) => ExitStatus,
  ): Promise<Adopted | null> {
    const pidfd = pid > 0 ? native.pidfdOpen(pid) : -1;
    if (pidfd < 0) return null;
    // Looked at again with the pidfd in hand: the pid was not given to another process in between.
    const again = await this.inspect(id).catch(() => null);
    if (again?.pid !== pid || again.status === 'stopped' || this.#tracked.has(id)) {
      native.close(pidfd);
      return null;
    }
    const streams = reattach(pid, () => native.pidfdExited(pidfd) === 0);
    return { process: new SupervisedProcess(pid, pidfd, [streams], refine), streams };
  }

  /** The container is removed: its init has ended, and so have its streams. */
  async #forget(id: string): Promise<void> {
    const known = this.#tracked.get(id);
    this.#oom.forget(id);
    removeStagedBundle(id, this.#settings.root);
    removeRecords(this.#settings.root, id);
    if (this.#direct instanceof DirectOperations) this.#direct.forget(id);
    if (!known) return;
    this.#tracked.delete(id);
    known.container.tty?.destroy();
    await known.process.exited;
  }

  /** Every later call on the same id, and list(), wait for it. */
  #recover(): void {
    const interrupted = takeInterrupted(this.#invoker, this.#settings);
    if (interrupted.length === 0) return;
    this.#recovering = Promise.all(
      interrupted.map(({ id, recover }) => this.#queue.run(id, new Deadline('recover', id, {}), recover)),
    );
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
  }
}

/** The two ways of an operation. */
interface Ways<T> {
  direct: (direct: DirectOperations, deadline: Deadline) => Direct<T> | Promise<Direct<T>>;
  cli: (deadline: Deadline) => Promise<T>;
}

const sigkill = 9;
// A process that is not frozen ends sooner.
const frozenMs = 200;

function notDone(op: string, containerId: string): RuntimeError {
  const message = `${op} ${containerId}: the runtime says that it has done it, and it has not`;
  return new RuntimeError('ERR_RUNTIME_FAILED', message, { op, containerId, exitCode: 0 });
}

/** Only crun takes a filter that was made before. */
function usesCreateCache({ kind, createCache }: Settings): boolean {
  return kind === 'crun' && createCache;
}

function pickCall({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

async function endsWithin(exited: Promise<unknown>, ms: number, deadline: Deadline): Promise<boolean> {
  return await deadline.race(settlesWithin(exited, ms));
}
