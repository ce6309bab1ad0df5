import fs from 'node:fs';
import { FileStamp } from './file-stamp';
import { readSmall, smallFile } from './small-file';
import { Unfamiliar } from './unfamiliar';

/** A file's text. What is not plain UTF-8 is unfamiliar: the runtimes differ in what they do with it. */
export function readText(path: string): string {
  const length = readSmall(path);
  if (length === null) throw new Unfamiliar(`${path} is gone`);
  const isWhole = length < smallFile.length;
  const text = isWhole ? smallFile.toString('utf8', 0, length) : fs.readFileSync(path, 'utf8');
  if (text.includes('\uFFFD')) throw new Unfamiliar(`${path} is not UTF-8`);
  return text;
}

const now = new FileStamp();

/**
 * A file that is parsed once for as long as it stays the same file: the runtimes replace their state files by
 * rename, so a new content is a new inode.
 */
export class ParsedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string, path: string) => T;
  readonly #stamp = new FileStamp();
  #value: T | undefined;

  constructor(path: string, parse: (text: string, path: string) => T) {
    this.#path = path;
    this.#parse = parse;
  }

  /** The parsed content, or undefined when there is no such file. */
  read(): T | undefined {
    for (let tries = 0; tries < 3; tries++) {
      if (!now.take(this.#path)) return undefined;
      if (this.#value !== undefined && now.isSame(this.#stamp)) return this.#value;
      this.#value = undefined;
      this.#stamp.set(now);
      const value = this.#parse(readText(this.#path), this.#path);
      // Replaced while it was being read: the stamp must be that of what was parsed.
      if (!now.take(this.#path)) return undefined;
      if (!now.isSame(this.#stamp)) continue;
      this.#value = value;
      return value;
    }
    throw new Unfamiliar(`${this.#path} keeps changing`);
  }

  /** What read() returned last. */
  get last(): T {
    if (this.#value === undefined) throw new Unfamiliar('read before');
    return this.#value;
  }
}
