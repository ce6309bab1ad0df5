/** What is kept of each container; made when it is first asked for. */
export class KeptById<T> {
  readonly #make: (id: string) => T;
  readonly #kept = new Map<string, T>();

  constructor(make: (id: string) => T) {
    this.#make = make;
  }

  of(id: string): T {
    let kept = this.#kept.get(id);
    if (kept === undefined) {
      kept = this.#make(id);
      this.#kept.set(id, kept);
    }
    return kept;
  }

  forget(id: string): void {
    this.#kept.delete(id);
  }

  /** Forgets all others. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#kept.keys()) if (!ids.has(id)) this.#kept.delete(id);
  }
}
