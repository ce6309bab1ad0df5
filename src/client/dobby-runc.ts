import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { Bundle } from '../bundle/bundle';
import { killArgs } from '../command-line/arguments';
import { Claim } from '../command-line/claim';
import { createContainer, resolveCreate } from '../command-line/create';
import { CreateCache, hideFilter } from '../command-line/create-cache';
import { deleteContainer } from '../command-line/delete';
import { execInContainer } from '../command-line/exec';
import { resolveExec } from '../command-line/exec-process';
import { leftoverIds } from '../command-line/half-made';
import { Invoker } from '../command-line/invoker';
import { LaunchIo } from '../command-line/launch-io';
import { parseList, parseState, parseStatus } from '../command-line/output';
import { pauseContainer } from '../command-line/pause';
import { signalAll, signalsInitOnly } from '../command-line/signal-all';
import { removeStagedBundle } from '../command-line/staged-bundle';
import { RuntimeError } from '../errors';
import { removeRecords } from '../keeper/keeper';
import type { OciState } from '../oci';
import type { ExitStatus } from '../process/exit';
import type { OutputError } from '../process/output-error';
import { becomeReaper } from '../process/reaper';
import { type Signal, sigkill, signalNumber } from '../process/signals';
import { takeInterrupted } from '../recovery/interrupted-creates';
import { Deadline } from '../runtime/deadline';
import { notDone, operationError } from '../runtime/operation-error';
import {
  type CallOptions,
  type CreateOptions,
  callNames,
  checkBoolean,
  checkCall,
  createNames,
  type ExecOptions,
  execNames,
  kMark,
  type MarkedOptions,
  pickCall,
  type RuntimeOptions,
  resolvePath,
  resolveSettings,
  type Settings,
  type StopCallOptions,
} from '../runtime/options';
import { type ContainerListItem, ContainerStatus } from '../runtime/status';
import { settlesWithin } from '../runtime/stuck';
import { tell } from '../system/tell';
import { adoptExecs } from './adopt-execs';
import { type Container, type ContainerProcess, ProcessHandle } from './container';
import { Creates } from './create-places';
import { OomWatch } from './oom';
import { stopContainer, stopRequest } from './stop';
import { StuckContainers } from './stuck-containers';
import { type Tracked, Tracker } from './tracker';
import { Turns } from './turns';
import { type OperationEvent, type TwoWays, Ways } from './ways';

export type RuntimeEvents = {
  /** A container's init has ended; told once for every container that was created or adopted here. */
  exit: [containerId: string, status: ExitStatus];
  operation: [event: OperationEvent];
  /** Output of a container, or of a process in it, that could not be written to the file or descriptor it was to go to. */
  outputError: [containerId: string, error: OutputError];
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
  readonly #turns: Turns;
  readonly #creates: Creates;
  readonly #createCache: CreateCache | null;
  readonly #oom: OomWatch;
  readonly #isReaper: boolean;
  readonly #ways: Ways;
  readonly #tracker: Tracker;
  readonly #stuck: StuckContainers;

  /** @throws TypeError, RangeError for wrong options; RuntimeError ERR_RUNTIME_NOT_FOUND */
  constructor(o: RuntimeOptions = {}) {
    super();
    this.#settings = resolveSettings(o);
    this.#invoker = new Invoker(this.#settings);
    this.#creates = new Creates(this.#settings);
    this.#createCache = this.#settings.createCache ? new CreateCache(this.#settings.runtimePath) : null;
    this.#oom = new OomWatch(this.#settings);
    this.#ways = new Ways(this.#settings, this.#invoker, this);
    this.#tracker = new Tracker(this.#settings, this.#oom, this, (id, process) => {
      void this.#ways.keep(id, process);
      void process.exited.then((status) => tell(this, 'exit', id, status));
    });
    this.#stuck = new StuckContainers(
      (id, error) => tell(this, 'stuck', id, error),
      (id) => this.#outlast(id),
    );
    this.#isReaper = this.#settings.reaper !== 'off' && becomeReaper();
    if (this.#settings.reaper === 'subreaper' && !this.#isReaper)
      throw new RuntimeError('ERR_UNSUPPORTED', 'reaper: this kernel has no child subreaper', {
        op: 'construct',
      });
    this.#turns = new Turns(
      this.#settings,
      () => takeInterrupted(this.#invoker, this.#settings),
      () => this.#ways.unknown,
    );
  }

  /** The runtime's --root: where it keeps the state of its containers. */
  getWorkingDir(): string {
    return this.#settings.root;
  }

  /**
   * Makes a container up to where its program would be started. The runtime has 5.5 s for it (createTimeoutMs); a
   * create that fails, is aborted or takes longer leaves nothing behind.
   */
  async create(id: string, bundle: string | Bundle, given: CreateOptions = {}): Promise<Container> {
    this.#turns.check(id, given, createNames);
    this.#stuck.check('create', id);
    const bundlePath = resolvePath(
      'bundle',
      typeof bundle === 'object' && bundle !== null ? bundle.path : bundle,
    );
    const o = resolveCreate(given);
    return await this.#launching('create', id, o, (io, deadline) => {
      return this.#creates.run(id, o, deadline, async (limit) => {
        const startedAt = performance.now();
        const launched = await createContainer(
          this.#invoker,
          this.#settings,
          { id, bundlePath, o, io, deadline: limit, cache: this.#cacheOf() },
          (status) => this.#oom.refine(id, status),
        );
        this.#ways.tell('create', id, startedAt, 'cli', 'has no direct way');
        return this.#tracker.add(id, launched, io.streams);
      });
    });
  }

  /** Only crun takes a seccomp filter that was made before. */
  #cacheOf(): CreateCache | null {
    return this.#settings.kind === 'crun' ? this.#createCache : null;
  }

  /** What the runtime is, by what it says itself; proven: whether its verbs are known to be what is done directly. */
  async version(): Promise<{ kind: Settings['kind']; version: string; proven: boolean }> {
    const { kind, version, proven } = await this.#ways.version();
    return { kind, version, proven };
  }

  /** Lets a created container's program start. */
  start(id: string, o: CallOptions = {}): Promise<void> {
    return this.#verb('start', id, o, {
      direct: (direct, deadline) => direct.start(id, deadline),
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
    checkCall(o, [...callNames, 'all']);
    const number = signalNumber(signal);
    const all = checkBoolean('all', o.all ?? false);
    if (number === sigkill) this.#tracker.get(id)?.process.noteKill();
    return await this.#verb('kill', id, pickCall(o), {
      direct: (direct) => direct.kill(id, number, all),
      cli: async (deadline) => {
        const isLeftToUs = all && number !== sigkill && signalsInitOnly(await this.#ways.version());
        if (isLeftToUs && signalAll(this.#settings, id, number)) return;
        await this.#cli('kill', id, killArgs(id, number, all), deadline);
      },
    });
  }

  /** Freezes all processes of a container; resolves when they are frozen. */
  pause(id: string, o: CallOptions = {}): Promise<void> {
    return this.#verb('pause', id, o, {
      direct: (direct) => direct.pause(id),
      cli: (deadline) => pauseContainer(this.#invoker, this.#settings, id, deadline),
    });
  }

  /** Thaws what pause() froze. */
  resume(id: string, o: CallOptions = {}): Promise<void> {
    return this.#verb('resume', id, o, {
      direct: (direct) => direct.resume(id),
      cli: (deadline) => this.#cli('resume', id, ['resume', id], deadline),
    });
  }

  /** Starts a process in a running container. Its exit status is always told. */
  async exec(id: string, command: readonly string[], given: ExecOptions = {}): Promise<ContainerProcess> {
    this.#turns.check(id, given, execNames);
    const o = resolveExec(command, given);
    return await this.#launching('exec', id, o, async (io, deadline) => {
      const startedAt = performance.now();
      const launched = await execInContainer(
        this.#invoker,
        this.#settings,
        { id, command, o, io, deadline, isReaper: this.#isReaper },
        (status) => this.#oom.refine(id, status),
      );
      this.#ways.tell('exec', id, startedAt, 'cli', 'has no direct way');
      return new ProcessHandle({ containerId: id, ...launched, streams: io.streams });
    });
  }

  /** 'unknown' when there is no such container; every other failure rejects. */
  async state(id: string, o: CallOptions = {}): Promise<ContainerStatus> {
    try {
      return parseStatus((await this.#state(id, o)).status);
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'ERR_CONTAINER_NOT_FOUND')
        return ContainerStatus.Unknown;
      throw error;
    }
  }

  /** What the runtime's `state` tells of a container. */
  async inspect(id: string, o: CallOptions = {}): Promise<OciState> {
    return hideFilter(await this.#state(id, o));
  }

  #state(id: string, o: CallOptions): Promise<OciState> {
    return this.#verb<OciState>('state', id, o, {
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
  }

  /** All containers below the root. */
  async list(o: CallOptions = {}): Promise<ContainerListItem[]> {
    checkCall(o);
    this.#turns.checkOpen('list');
    const deadline = new Deadline('list', undefined, o);
    try {
      await deadline.race(this.#turns.recovered);
      this.#turns.checkRoot();
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
   * The ids of what killed creates and deletes of others have left below the root: directories without a state file, or
   * without the other file that crun needs, that no runtime is at work on. destroy() removes them. What this package's
   * own killed processes had under way is cleaned up unasked.
   */
  async leftovers(o: CallOptions = {}): Promise<string[]> {
    checkCall(o);
    this.#turns.checkOpen('leftovers');
    const deadline = new Deadline('leftovers', undefined, o);
    try {
      await deadline.race(Promise.all([this.#turns.recovered, this.#ways.open()]));
      return leftoverIds(this.#settings);
    } finally {
      deadline.dispose();
    }
  }

  /** Removes a container; one that the runtime refuses to remove (it runs) is removed by force. */
  async destroy(id: string, o: CallOptions & { force?: boolean } = {}): Promise<void> {
    checkCall(o, [...callNames, 'force']);
    const force = checkBoolean('force', o.force ?? false);
    const startedAt = performance.now();
    this.#noteEnd(id);
    try {
      await this.#verb('destroy', id, pickCall(o), {
        direct: (direct, deadline) => direct.destroy(id, { force }, deadline),
        cli: (deadline) =>
          deleteContainer(this.#invoker, this.#settings, {
            id,
            force,
            process: this.#tracker.get(id)?.process,
            deadline,
          }),
      });
    } catch (error) {
      this.#stuck.note(id, error);
      throw error;
    }
    const { timeoutMs } = o;
    await this.#forget(id, timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - startedAt));
  }

  /** What ends from here on is ended by us, and not because of an OOM that was before. */
  #noteEnd(id: string): void {
    const known = this.#tracker.get(id);
    if (known === undefined || known.process.status !== null) return;
    known.process.noteKill();
    this.#oom.rebase(id);
  }

  /** Removes a stuck container when its process is seen to have ended. */
  async #outlast(id: string): Promise<void> {
    await (await this.adopt(id)).exited;
    // What the runtime knows no more is still to be forgotten here.
    if (!this.#turns.isClosed) await this.destroy(id, { force: true }).catch(() => this.#forget(id));
  }

  /** Asks a container to end (SIGTERM), after graceMs milliseconds (500) with SIGKILL. */
  async stop(id: string, o: StopCallOptions = {}): Promise<ExitStatus & { escalated: boolean }> {
    const request = stopRequest(this.#settings, o);
    try {
      return await this.#withContainer('stop', id, request.call, (tracked, deadline) =>
        stopContainer(tracked, request, deadline, this),
      );
    } catch (error) {
      this.#stuck.note(id, error);
      throw error;
    }
  }

  /** Waits for a container's init to end, also of one that this process did not create. */
  async wait(id: string, o: CallOptions = {}): Promise<ExitStatus> {
    return await this.#withContainer('wait', id, o, ({ container }, deadline) =>
      deadline.race(container.exited),
    );
  }

  /**
   * Takes over a container that another process created: its exit is watched from now on. Of its streams it has
   * those that are kept pipes; only one process should read them.
   */
  async adopt(id: string, o: CallOptions = {}): Promise<Container> {
    return await this.#withContainer('adopt', id, o, async ({ container }) => container);
  }

  /**
   * Takes over the processes that others, now gone, exec'd into a container under keepers (`keeper: 'own'`), also those
   * that have ended since: how each of them ended is told once.
   */
  async adoptExecs(id: string, o: CallOptions = {}): Promise<ContainerProcess[]> {
    return await this.#turns.take('adopt', id, o, () =>
      adoptExecs(this.#settings.root, id, (status) => this.#oom.refine(id, status)),
    );
  }

  /** Stops watching: the containers go on, and waiting for them no longer keeps the event loop alive. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#turns.close();
    this.#tracker.release();
    await this.#ways.close();
    this.#invoker.release();
  }

  async #cli(op: string, id: string, args: string[], deadline: Deadline): Promise<void> {
    await this.#invoker.invoke({ op, id, args, deadline });
  }

  /** One operation on one container: checked, in its turn, directly or by the command line. */
  #verb<T>(op: string, id: string, o: CallOptions, ways: TwoWays<T>): Promise<T> {
    return this.#turns.take(op, id, o, (deadline) => this.#ways.take<T>(op, id, deadline, ways));
  }

  /** What starts a process with streams: in its turn. When it fails, its streams are closed. */
  async #launching<T>(
    op: string,
    id: string,
    o: CreateOptions | ExecOptions,
    call: (io: LaunchIo, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    let io: LaunchIo | undefined;
    try {
      // Copied now: the call may wait for its turn, and the caller may close its descriptors meanwhile.
      const opened = new LaunchIo(o);
      io = opened;
      opened.streams.onOutputError = (error) => tell(this, 'outputError', id, error);
      return await this.#turns.take(op, id, pickCall(o), (deadline) => call(opened, deadline));
    } catch (error) {
      io?.close();
      throw operationError(error, op, id);
    }
  }

  /** What is done with a container that is watched here or, from now on, is: out of turn, as it may take for ever. */
  async #withContainer<T>(
    op: string,
    id: string,
    o: CallOptions,
    call: (tracked: Tracked, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    this.#turns.check(id, o);
    const deadline = new Deadline(op, id, o);
    try {
      (o as MarkedOptions)[kMark]?.check(op);
      return await call(await this.#tracker.find(id, deadline), deadline);
    } finally {
      deadline.dispose();
    }
  }

  /** The container is removed: its init has ended, and so have its streams. */
  async #forget(id: string, limitMs?: number): Promise<void> {
    const known = this.#tracker.remove(id);
    this.#oom.forget(id);
    this.#ways.forget(id);
    // A create of it that is under way somewhere has nothing left to remove.
    Claim.end(this.#settings.root, id);
    if (this.#settings.kind !== 'crun') removeStagedBundle(id, this.#settings.root);
    removeRecords(this.#settings.root, id);
    if (!known) return;
    // What has been printed stays readable; whoever had the terminal open is gone, so that its end can be read too.
    const ended = known.process.exited.then(() => known.container.tty?.drain());
    // It is removed: what its output still waits for is told by outputError.
    if (limitMs === undefined) await ended;
    else await settlesWithin(ended, Math.max(0, limitMs));
  }
}
