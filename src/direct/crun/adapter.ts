import fs from 'node:fs';
import { native } from '../../native';
import {
  cgroupHierarchies,
  cgroupKillFile,
  type Freezer,
  freezerOf,
  hasFreezerHierarchy,
  relativeCgroup,
} from '../../runtime/cgroup';
import { ParsedFile } from '../../system/parsed-file';
import { Recent } from '../../system/recent';
import { Unfamiliar } from '../../system/unfamiliar';
import type { Adapter, AdapterContext, Identity, Plan, Probe, Standing } from '../adapter';
import { KeptById } from '../kept-by-id';
import type { ListEntry, OciState } from '../state';
import { type CrunConfig, type CrunStatus, parseCrunConfig, parseCrunStatus } from './state-file';

interface CrunContainer extends Identity {
  readonly status: CrunStatus;
}

/** The files of one container, each parsed for as long as it does not change. */
interface Files {
  readonly status: ParsedFile<CrunContainer>;
  readonly config: ParsedFile<CrunConfig>;
}

/** The ids that are known to be taken: from 1.28 on crun refuses all others, and `list` leaves them out. */
function idRule(minor: number): RegExp {
  return minor >= 28 ? /^[\w+.-]+$/ : /^[\w+,.-]+$/;
}

/** crun's verbs as they are in 1.8 to 1.29; see versions.ts. */
export class CrunAdapter implements Adapter {
  readonly knownEntries = new Set(['status', 'config.json', 'exec.fifo', 'seccomp.bpf']);
  readonly #context: AdapterContext;
  readonly #id: RegExp;
  readonly #files = new KeptById((id) => this.#filesOf(id));
  readonly #configs = new Recent<string, CrunConfig>();
  #hierarchies: string[] | undefined;

  constructor(context: AdapterContext) {
    this.#context = context;
    this.#id = idRule(context.minor);
  }

  identity(id: string): CrunContainer {
    if (!this.#id.test(id)) throw new Unfamiliar('an unusual id');
    const container = this.#status(id);
    if (container !== null) return container;
    this.#files.forget(id);
    throw new Unfamiliar(`${id} has no status file`);
  }

  /** The fifo outranks the freezer; FREEZING counts as running, a freezer that is gone as stopped. */
  standing(identity: Identity, probe: Probe): Standing {
    if (!probe.isAlive()) return { status: 'stopped', pid: 0 };
    const { pid, freezer } = identity;
    if (probe.hasFifo()) return { status: 'created', pid };
    if (freezer === null) return { status: 'running', pid };
    const text = probe.freezerText(freezer);
    if (text === null) {
      if (!freezer.isUnified && !hasFreezerHierarchy()) throw new Unfamiliar('no v1 freezer');
      return { status: 'stopped', pid };
    }
    return { status: text.includes(freezer.isUnified ? '1' : 'FROZEN') ? 'paused' : 'running', pid };
  }

  state(id: string, { status, pid }: Standing): OciState {
    const facts = this.#last(id);
    const { annotations } = this.#config(id);
    const state: OciState = {
      ociVersion: '1.0.0',
      id,
      pid,
      status,
      bundle: facts.bundle,
      rootfs: facts.rootfs,
      created: facts.created,
    };
    if (facts.scope !== undefined) state['systemd-scope'] = facts.scope;
    if (facts.owner !== undefined) state.owner = facts.owner;
    if (annotations !== undefined) state.annotations = { ...annotations };
    return state;
  }

  /** Reverse order of reading; opendir() gives that order, readdir() would sort. */
  listNames(): string[] {
    const directory = fs.opendirSync(this.#context.root, { bufferSize: 256 });
    try {
      const names: string[] = [];
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        if (entry.name.startsWith('.')) continue;
        // Beside a file crun 1.8 lists the others and crun 1.21 fails.
        if (!entry.isDirectory()) throw new Unfamiliar(`${entry.name} is no directory`);
        if (!this.#id.test(entry.name)) throw new Unfamiliar(`the name ${entry.name} is unusual`);
        names.push(entry.name);
      }
      return names.toReversed();
    } finally {
      directory.closeSync();
    }
  }

  listIdentity(name: string): Identity | null {
    return this.#status(name);
  }

  listEntry(name: string, { status, pid }: Standing): ListEntry {
    const { bundle, created, owner } = this.#last(name);
    if (owner === undefined) throw new Unfamiliar(`${name} has no owner`);
    return { id: name, pid, status, bundle, created, owner };
  }

  forget(id: string): void {
    this.#files.forget(id);
  }

  keepOnly(names: ReadonlySet<string>): void {
    this.#files.keepOnly(names);
  }

  plan(id: string): Plan {
    const config = this.#config(id);
    const hasIntelRdt = this.#last(id).hasIntelRdt || config.hasIntelRdt;
    return { ...config, obstacle: hasIntelRdt ? 'it has an Intel RDT group' : '' };
  }

  cgroupDirectories(id: string): string[] {
    const { cgroupPath } = this.#last(id);
    if (cgroupPath === '') return [];
    const relative = relativeCgroup(cgroupPath);
    // Once: to read /proc/self/cgroup waits for whoever makes or removes a cgroup, milliseconds on a busy machine.
    this.#hierarchies ??= cgroupHierarchies(this.#context.mode);
    return this.#hierarchies.map((hierarchy) => `${hierarchy}/${relative}`);
  }

  mayStart(_identity: Identity, probe: Probe): boolean {
    return probe.isAlive();
  }

  /** Natively as a whole: a worker that is terminated in the middle of it would leave an init that spins. */
  start(fifo: string): undefined {
    const result = native.releaseFifo(fifo);
    if (result < 0) throw new Unfamiliar(`exec.fifo: error ${-result}`);
  }

  mayKill(_id: string, _identity: Identity, probe: Probe): boolean {
    return probe.isAlive();
  }

  thawsKilled(): boolean {
    return false;
  }

  killAllFile(id: string): string {
    const { cgroupPath } = this.#last(id);
    if (this.#context.mode !== 'unified' || cgroupPath === '') return '';
    return cgroupKillFile(relativeCgroup(cgroupPath));
  }

  mayPause(_identity: Identity, probe: Probe): boolean {
    return probe.isAlive();
  }

  mayResume(_identity: Identity, probe: Probe): boolean {
    return probe.isAlive();
  }

  mayDelete({ status, pid }: Standing): boolean {
    return pid === 0 || status === 'created';
  }

  #last(id: string): CrunStatus {
    return this.#files.of(id).status.last.status;
  }

  #config(id: string): CrunConfig {
    const config = this.#files.of(id).config.read();
    if (config === undefined) throw new Unfamiliar(`${id} has no config.json`);
    return config;
  }

  #status(id: string): CrunContainer | null {
    return this.#files.of(id).status.read() ?? null;
  }

  #filesOf(id: string): Files {
    const directory = `${this.#context.root}/${id}`;
    return {
      status: new ParsedFile(`${directory}/status`, this.#parse),
      config: new ParsedFile(`${directory}/config.json`, this.#parseConfig),
    };
  }

  /** Containers made from one bundle have the same configuration. */
  readonly #parseConfig = (text: string, path: string): CrunConfig =>
    this.#configs.get(text, () => parseCrunConfig(text, path));

  readonly #parse = (text: string, path: string): CrunContainer => {
    const status = parseCrunStatus(text, path);
    if (status.hasSystemdCgroup) throw new Unfamiliar(`${path}: a systemd cgroup`);
    const freezer: Freezer | null =
      status.cgroupPath === '' ? null : freezerOf(this.#context.mode, relativeCgroup(status.cgroupPath));
    return { pid: status.pid, startTime: status.startTime, freezer, status };
  };
}
