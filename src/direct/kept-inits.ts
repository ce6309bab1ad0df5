import type { Identity } from './adapter';
import { KeptInit } from './init-handle';

/** Three descriptors each are kept for this many containers at most; the others' are opened for each call. */
const kMaxKept = 512;

/** The descriptors that are kept, by container. */
export class KeptInits {
  readonly #kept = new Map<string, KeptInit>();
  /** What has been listed before. */
  readonly #listed = new WeakSet<Identity>();
  #isClosed = false;

  get(id: string): KeptInit | undefined {
    return this.#kept.get(id);
  }

  /** Whether it is kept now. */
  keep(id: string, pid: number): boolean {
    this.drop(id);
    const kept = this.#open(pid);
    if (kept !== null) this.#kept.set(id, kept);
    return kept !== null;
  }

  /** From the second listing on the descriptors of what others have created are kept as well: half the time. */
  keepListed(id: string, identity: Identity): KeptInit | undefined {
    const kept = this.#kept.get(id);
    if (kept?.isFor(identity)) return kept;
    if (!this.#listed.has(identity)) {
      this.#listed.add(identity);
      return undefined;
    }
    this.drop(id);
    const opened = this.#open(identity.pid);
    if (opened?.isFor(identity)) {
      this.#kept.set(id, opened);
      return opened;
    }
    opened?.close();
    return undefined;
  }

  drop(id: string): void {
    this.#kept.get(id)?.close();
    this.#kept.delete(id);
  }

  /** All other containers are gone, whoever has removed them. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const id of this.#kept.keys()) if (!names.has(id)) this.drop(id);
  }

  /** Nothing is kept from now on. */
  close(): void {
    this.#isClosed = true;
    this.keepOnly(new Set());
  }

  #open(pid: number): KeptInit | null {
    return this.#isClosed || this.#kept.size >= kMaxKept ? null : KeptInit.open(pid);
  }
}
