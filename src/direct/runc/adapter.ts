import fs from 'node:fs';
import { sigkill } from '../../process/signals';
import { ParsedFile } from '../../system/parsed-file';
import { readSmallText } from '../../system/small-file';
import { Unfamiliar } from '../../system/unfamiliar';
import type { Adapter, AdapterContext, Identity, InitWatch, Plan, Probe, Standing } from '../adapter';
import { readFifo } from '../exec-fifo';
import { KeptById } from '../kept-by-id';
import type { ListEntry, OciState } from '../state';
import { ownerName } from './passwd';
import { type RuncRules, runcRules } from './rules';
import { parseRuncState, type RuncState } from './state-file';

/** runc's verbs as they are in 1.1 to 1.5; see versions.ts. */
export class RuncAdapter implements Adapter {
  readonly knownEntries = new Set(['state.json', 'exec.fifo']);
  readonly #context: AdapterContext;
  readonly #rules: RuncRules;
  readonly #files = new KeptById(
    (id) => new ParsedFile(`${this.#context.root}/${id}/state.json`, this.#parse),
  );

  constructor(context: AdapterContext) {
    this.#context = context;
    this.#rules = runcRules(context.minor);
  }

  identity(id: string): RuncState {
    const state = this.#rules.id.test(id) && id !== '.' && id !== '..' ? this.#state(id) : null;
    if (state !== null) return state;
    this.#files.forget(id);
    throw new Unfamiliar(`${id} has no state.json`);
  }

  /** The freezer outranks all else: a created container, and even a dead one, is 'paused' when frozen. */
  standing(identity: Identity, probe: Probe): Standing {
    const { pid, freezer } = identity;
    if (isFrozen(freezer, probe)) return { status: 'paused', pid };
    if (!probe.isAlive()) return { status: 'stopped', pid: 0 };
    return { status: probe.hasFifo() ? 'created' : 'running', pid };
  }

  state(id: string, standing: Standing): OciState {
    return this.#print(id, standing, '');
  }

  /** Sorted by bytes; only directories. */
  listNames(): string[] {
    const directory = fs.opendirSync(this.#context.root, { bufferSize: 256 });
    try {
      const names: string[] = [];
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        if (entry.isDirectory() && this.#rules.id.test(entry.name)) names.push(entry.name);
      }
      return names.toSorted((a, b) => (a < b ? -1 : 1));
    } finally {
      directory.closeSync();
    }
  }

  listIdentity(name: string): Identity | null {
    return this.#state(name);
  }

  listEntry(name: string, standing: Standing): ListEntry {
    const { uid } = fs.statSync(`${this.#context.root}/${name}`);
    return this.#print(name, standing, ownerName(uid));
  }

  forget(id: string): void {
    this.#files.forget(id);
  }

  keepOnly(names: ReadonlySet<string>): void {
    this.#files.keepOnly(names);
  }

  /** runc runs poststart hooks in `create` up to 1.5. */
  plan(id: string): Plan {
    const state = this.#files.of(id).last;
    return {
      hasPrivatePidNamespace: state.hasPrivatePidNamespace,
      hasPoststartHooks: false,
      hasPoststopHooks: state.hasPoststopHooks,
      obstacle: state.hasIntelRdt ? 'it has an Intel RDT group' : '',
    };
  }

  cgroupDirectories(id: string): readonly string[] {
    return this.#files.of(id).last.cgroupDirectories;
  }

  mayStart(identity: Identity, probe: Probe): boolean {
    return this.standing(identity, probe).status === 'created';
  }

  async start(fifo: string, watch: () => InitWatch): Promise<void> {
    const init = watch();
    try {
      await readFifo(fifo, init);
    } finally {
      // When the start is through, not when the caller has had enough.
      init.release();
    }
  }

  mayKill(id: string, identity: Identity, probe: Probe, signal: number): boolean {
    if (!this.#rules.killsWhole) return this.standing(identity, probe).status !== 'stopped';
    if (signal === sigkill && !this.#files.of(id).last.hasPrivatePidNamespace)
      throw new Unfamiliar('it shares a pid namespace: KILL is for all of its processes');
    return probe.isAlive();
  }

  /** runc thaws what it has killed; otherwise the signal would wait for the thaw on cgroup v1. */
  thawsKilled({ freezer }: Identity, probe: Probe): boolean {
    return isFrozen(freezer, probe);
  }

  /** runc freezes, signals every process and waits for them: left to it. */
  killAllFile(): string {
    return '';
  }

  mayPause(identity: Identity, probe: Probe): boolean {
    const { status } = this.standing(identity, probe);
    return status === 'running' || status === 'created';
  }

  mayResume({ freezer }: Identity, probe: Probe): boolean {
    return isFrozen(freezer, probe);
  }

  mayDelete({ status }: Standing): boolean {
    return status === 'stopped' || status === 'created';
  }

  #print(id: string, { status, pid }: Standing, owner: string): OciState {
    const facts = this.#files.of(id).last;
    const state: OciState = {
      ociVersion: facts.ociVersion,
      id,
      pid,
      status,
      bundle: facts.bundle,
      rootfs: facts.rootfs,
      created: facts.created,
    };
    if (facts.annotations !== undefined) state.annotations = { ...facts.annotations };
    state.owner = owner;
    return state;
  }

  #state(id: string): RuncState | null {
    return this.#files.of(id).read() ?? null;
  }

  readonly #parse = (text: string, path: string): RuncState =>
    parseRuncState(text, path, this.#context.mode === 'unified', this.#rules);
}

/** Waits that runc makes here (a freeze under way) are left to it. */
function isFrozen(freezer: Identity['freezer'], probe: Probe): boolean {
  const text = freezer === null ? null : probe.freezerText(freezer);
  if (freezer === null || text === null) return false;
  if (freezer.isUnified) {
    if (text === '0\n') return false;
    if (text === '1\n' && readSmallText(freezer.events)?.includes('frozen 1\n')) return true;
    throw new Unfamiliar(`${freezer.file} is '${text.trim()}' and not settled`);
  }
  switch (text) {
    case 'THAWED\n':
      return false;
    case 'FROZEN\n':
      return isFrozenByItself(freezer.self);
    default:
      throw new Unfamiliar(`${freezer.file} is '${text.trim()}'`);
  }
}

function isFrozenByItself(file: string): boolean {
  const self = readSmallText(file);
  if (self === null || self === '1\n') return true;
  if (self === '0\n') return false;
  throw new Unfamiliar(`${file} is '${self.trim()}'`);
}
