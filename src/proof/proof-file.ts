import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type DirectVerb, directVerbs } from '../direct/versions';
import { cgroupMode } from '../runtime/cgroup';
import { isObject } from '../system/json';
import { checkPrivateDirectory, makePrivateDirectory } from '../system/private-directory';
import { runDirectory } from '../system/run-directory';

const kFormat = 1;
/** A proof is a few hundred bytes. */
const kMostBytes = 64 * 1024;
const kWritableByOthers = 0o022;

/** What was found out about one verb. */
export interface Verdict {
  /** How often it was done directly, and looked the same as the command line's. */
  readonly equal: number;
  /** What differed; absent: nothing did. */
  readonly difference?: string;
}

/** That the verbs of this binary on this kernel are what is done directly. */
export interface Proof {
  readonly format: typeof kFormat;
  /** Of this package: another one may do them in another way. */
  readonly packageVersion: string;
  readonly kind: 'crun' | 'runc';
  readonly version: string;
  /** Of the runtime's file, hexadecimal. */
  readonly sha256: string;
  /** As uname -r prints it. */
  readonly kernel: string;
  readonly cgroups: ReturnType<typeof cgroupMode>;
  /** ISO 8601. */
  readonly at: string;
  readonly seed: number;
  readonly steps: number;
  readonly verbs: Readonly<Record<DirectVerb, Verdict>>;
}

/** What a proof has to be about to count here. */
export type Subject = Pick<Proof, 'packageVersion' | 'kind' | 'version' | 'sha256' | 'kernel' | 'cgroups'>;

export async function subjectOf(kind: Proof['kind'], version: string, runtimePath: string): Promise<Subject> {
  return {
    packageVersion: packageVersion(),
    kind,
    version,
    sha256: await sha256Of(runtimePath),
    kernel: os.release(),
    cgroups: cgroupMode(),
  };
}

/** Where the proof of a binary is looked for when the option `proof` names no file. */
export function proofFile(sha256: string): string {
  return path.join(proofDirectory(), `${sha256}.json`);
}

function proofDirectory(): string {
  return path.join(runDirectory(), 'proofs');
}

/** A script starts something else, which may change while it stays as it is. */
export function isScript(file: string): boolean {
  const fd = fs.openSync(file, 'r');
  try {
    const start = Buffer.alloc(2);
    return fs.readSync(fd, start, 0, 2, 0) === 2 && start.toString('latin1') === '#!';
  } finally {
    fs.closeSync(fd);
  }
}

/** By rename, so that a reader sees all of it or none. */
export function writeProof(proof: Proof, file: string | null): string {
  const target = file ?? proofFile(proof.sha256);
  if (file === null) {
    makePrivateDirectory(runDirectory());
    makePrivateDirectory(proofDirectory());
  }
  const temporary = `${target}.${process.pid}.tmp`;
  fs.rmSync(temporary, { force: true });
  fs.writeFileSync(temporary, `${JSON.stringify(proof, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  fs.renameSync(temporary, target);
  return target;
}

/** The verbs that a proof has, or why it counts for nothing; null when there is none. */
export function readProof(file: string, subject: Subject): ReadonlySet<DirectVerb> | string | null {
  try {
    const text = readOwn(file);
    if (text === null) return null;
    return verbsOf(parseProof(text), subject);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whoever may write it says which process is killed. */
function readOwn(file: string): string | null {
  if (path.dirname(file) === proofDirectory()) checkPrivateDirectory(proofDirectory());
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new Error('it is no regular file');
    if (stat.uid !== 0 && stat.uid !== process.geteuid?.()) throw new Error(`it belongs to user ${stat.uid}`);
    if (stat.mode & kWritableByOthers) throw new Error('others may write to it');
    if (stat.size > kMostBytes) throw new Error('it is too long for a proof');
    return fs.readFileSync(fd, 'utf8');
  } finally {
    fs.closeSync(fd);
  }
}

function parseProof(text: string): Proof {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is damaged: no JSON');
  }
  if (!isObject(value) || value.format !== kFormat) throw new Error('it is damaged: no proof of this format');
  const { verbs } = value;
  for (const verb of directVerbs) {
    const verdict = isObject(verbs) ? verbs[verb] : undefined;
    if (!isObject(verdict) || !Number.isSafeInteger(verdict.equal))
      throw new Error(`it is damaged: nothing about ${verb}`);
  }
  return value as unknown as Proof;
}

function verbsOf(proof: Proof, subject: Subject): ReadonlySet<DirectVerb> {
  for (const key of Object.keys(subject) as (keyof Subject)[]) {
    if (proof[key] !== subject[key])
      throw new Error(`it is for another ${kNames[key]}: ${proof[key]}`.slice(0, 160));
  }
  return new Set(
    directVerbs.filter((verb) => proof.verbs[verb].equal > 0 && proof.verbs[verb].difference === undefined),
  );
}

const kNames: Readonly<Record<keyof Subject, string>> = {
  packageVersion: 'version of this package',
  kind: 'kind of runtime',
  version: 'version of the runtime',
  sha256: 'binary',
  kernel: 'kernel',
  cgroups: 'mode of cgroups',
};

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function packageVersion(): string {
  // Beside lib/ in the package, three up from dist/src/proof in a checkout.
  for (const up of ['..', '../../..']) {
    try {
      const text = fs.readFileSync(path.join(__dirname, up, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // Not here.
    }
  }
  return 'unknown';
}
