import type { Launched } from '../command-line/launch';
import { type Adopted, adoptKept } from '../keeper/adopt';
import { initRecord } from '../keeper/keeper';
import { readRecord } from '../keeper/record';
import { native } from '../native';
import type { OciState } from '../oci';
import type { ExitStatus } from '../process/exit';
import { ProcessStreams } from '../process/process-streams';
import { reattach } from '../process/reattach';
import { goneProcess, type Supervised, SupervisedProcess } from '../process/supervise';
import type { Deadline } from '../runtime/deadline';
import type { Settings } from '../runtime/options';
import { initPid } from '../runtime/state-file';
import { type Container, ContainerHandle, type ContainerVerbs } from './container';
import { InitMark } from './init-mark';
import type { OomWatch } from './oom';

/** A container that is watched here. */
export interface Tracked {
  container: Container;
  process: Supervised;
  mark: InitMark;
}

/** What the tracker needs of the DobbyRunC it is part of. */
export interface TrackerOwner extends ContainerVerbs {
  inspect(id: string): Promise<OciState>;
}

/** The containers whose inits are watched: those that were created here, and those that were adopted. */
export class Tracker {
  readonly #settings: Settings;
  readonly #oom: OomWatch;
  readonly #owner: TrackerOwner;
  readonly #onTracked: (id: string, process: Supervised) => void;
  readonly #tracked = new Map<string, Tracked>();
  readonly #finding = new Map<string, Promise<Tracked>>();

  /** onTracked is told of each container once. */
  constructor(
    settings: Settings,
    oom: OomWatch,
    owner: TrackerOwner,
    onTracked: (id: string, process: Supervised) => void,
  ) {
    this.#settings = settings;
    this.#oom = oom;
    this.#owner = owner;
    this.#onTracked = onTracked;
  }

  get(id: string): Tracked | undefined {
    return this.#tracked.get(id);
  }

  add(id: string, launched: Launched, streams: ProcessStreams): Container {
    const { process } = launched;
    const mark = new InitMark(this.#settings, id);
    const container = new ContainerHandle({ containerId: id, ...launched, streams }, this.#owner, mark);
    this.#tracked.set(id, { container, process, mark });
    this.#onTracked(id, process);
    return container;
  }

  /** The container as it is known here, or adopted. */
  async find(id: string, deadline: Deadline): Promise<Tracked> {
    const known = this.#known(id);
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

  /** What is watched under an id, unless somebody has put another container in its place. */
  #known(id: string): Tracked | undefined {
    const known = this.#tracked.get(id);
    if (!known?.mark.isReplaced()) return known;
    this.#tracked.delete(id);
    known.container.unref();
    return undefined;
  }

  remove(id: string): Tracked | undefined {
    const known = this.#tracked.get(id);
    this.#tracked.delete(id);
    return known;
  }

  /** Lets go of all of them: they are watched on, but keep the event loop alive no longer. */
  release(): void {
    for (const { container } of this.#tracked.values()) container.unref();
    this.#tracked.clear();
  }

  async #adopt(id: string): Promise<Tracked> {
    const { pid = 0 } = await this.#owner.inspect(id);
    const record = initRecord(this.#settings.root, id);
    const refine = (status: ExitStatus): ExitStatus => this.#oom.refine(id, status);
    // The record of an earlier container of the same id says nothing about this one.
    const isRecorded = readRecord(record)?.pid === (initPid(this.#settings, id) || pid);
    const kept = isRecorded ? await adoptKept(record, refine) : null;
    const adopted = kept ?? (await this.#adoptRunning(id, pid, refine));
    const created = this.#known(id);
    if (created) {
      adopted?.streams.close();
      return created;
    }
    if (adopted) {
      const { process, streams } = adopted;
      this.#oom.rebase(id);
      this.add(id, { runtimePid: 0, process, tty: null }, streams);
      return this.#tracked.get(id) as Tracked;
    }
    const process = goneProcess();
    const parts = { containerId: id, runtimePid: 0, process, streams: new ProcessStreams(), tty: null };
    const mark = new InitMark(this.#settings, id);
    return { container: new ContainerHandle(parts, this.#owner, mark), process, mark };
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
    const again = await this.#owner.inspect(id).catch(() => null);
    if (again?.pid !== pid || again.status === 'stopped' || this.#known(id)) {
      native.close(pidfd);
      return null;
    }
    const streams = reattach(pid, () => native.pidfdExited(pidfd) === 0);
    return { process: new SupervisedProcess(pid, pidfd, [streams], refine), streams };
  }
}
