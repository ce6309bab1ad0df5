/** One line on stderr that says what is being done: rewritten on a terminal, a line per case elsewhere. */
export class Progress {
  readonly #startMs = Date.now();
  readonly #isTerminal = process.stderr.isTTY;
  #last = '';

  show(heading: string, detail: string): void {
    if (this.#isTerminal) {
      const line = `${this.#elapsed()}  ${heading} · ${detail}`;
      process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    } else if (heading !== this.#last) {
      process.stderr.write(`${this.#elapsed()}  ${heading}\n`);
    }
    this.#last = heading;
  }

  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\x1b[2K');
  }

  #elapsed(): string {
    const seconds = Math.round((Date.now() - this.#startMs) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }
}
