import { freezerWord } from '../runtime/cgroup';
import { attempt, Unfamiliar } from '../system/unfamiliar';
import type { Adapter, Identity, Standing } from './adapter';
import { fifoIn } from './exec-fifo';
import { InitPidfd, InitProbe, type KeptInit } from './init-handle';

/** A container that has a state file, as one operation sees it. */
export class Found {
  readonly id: string;
  readonly directory: string;
  readonly adapter: Adapter;
  readonly identity: Identity;
  readonly probe: InitProbe;
  readonly #kept: KeptInit | undefined;

  constructor(id: string, root: string, adapter: Adapter, identity: Identity, kept: KeptInit | undefined) {
    this.id = id;
    this.directory = `${root}/${id}`;
    this.adapter = adapter;
    this.identity = identity;
    this.#kept = kept?.isFor(identity) ? kept : undefined;
    this.probe = new InitProbe(identity, this.directory, this.#kept);
  }

  get fifo(): string {
    return fifoIn(this.directory);
  }

  standing(): Standing {
    return this.adapter.standing(this.identity, this.probe);
  }

  /** That its standing is not what the operation needs. */
  refusal(): Unfamiliar {
    return new Unfamiliar(`it is ${this.standing().status}`);
  }

  /** To be released. */
  pidfd(): InitPidfd {
    return new InitPidfd(this.identity, this.#kept);
  }

  /** Whether its cgroup is frozen or on the way to it. */
  isFrozen(): boolean {
    const { freezer } = this.identity;
    const text = freezer === null ? null : this.probe.freezerText(freezer);
    return freezer !== null && text !== null && text.trim() !== freezerWord(freezer, false);
  }

  /** As both runtimes do after a kill: without waiting, and whatever comes of it. */
  thaw(): void {
    const { freezer } = this.identity;
    if (freezer !== null) attempt(() => this.probe.writeFreezer(freezer, freezerWord(freezer, false)));
  }
}
