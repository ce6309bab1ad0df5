import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DobbyRunC, type RuntimeOptions } from '../../src/index';
import { kind, runtime } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';

const sources = path.join(__dirname, '../../../native/fault');
const built = new Map<string, string>();

/** Compiles a program of native/fault, once per process. */
export function compile(source: string, flags: readonly string[] = []): string {
  const known = built.get(source);
  if (known !== undefined) return known;
  const program = path.join(temporaryDirectory('cc'), path.parse(source).name);
  const compiler = ['cc', 'gcc', 'clang'].find((name) => existsSync(`/usr/bin/${name}`)) ?? 'cc';
  execFileSync(compiler, ['-O1', '-o', program, path.join(sources, source), ...flags], { stdio: 'inherit' });
  built.set(source, program);
  return program;
}

/** A runtime that does what a script says, and otherwise what the row's real runtime does (native/fault/stand_in.c). */
export class StandIn {
  /** The runtime's path. Its name says which kind it is. */
  readonly file: string;
  readonly root: string;
  readonly #script: string;

  constructor(root = path.join(temporaryDirectory('root'), 'state')) {
    const directory = temporaryDirectory('stand-in');
    this.file = path.join(directory, `stand-in-${kind}`);
    this.root = root;
    this.#script = path.join(directory, 'script');
    this.restore();
  }

  /** A DobbyRunC that drives it: always by the command line, so that every verb comes here. */
  dobby(options: RuntimeOptions = {}): DobbyRunC {
    const { env, ...rest } = options;
    return new DobbyRunC({
      runtime: this.file,
      root: this.root,
      direct: 'off',
      env: { ...this.environment, ...env },
      ...rest,
    });
  }

  get environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? '', DOBBY_STAND_IN: this.#script, DOBBY_REAL: runtime };
  }

  /** Lines of 'verb action …'; a verb without a line goes to the real runtime. */
  script(...lines: readonly string[]): void {
    writeFileSync(this.#script, `${lines.join('\n')}\n`);
  }

  /** From here on it does what the real runtime does. */
  restore(): void {
    rmSync(this.file, { force: true });
    copyFileSync(compile('stand_in.c'), this.file);
    rmSync(this.#script, { force: true });
  }
}
