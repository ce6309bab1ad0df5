import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Invoker } from '../command-line/invoker';
import { askVersion } from '../command-line/runtime-version';
import { DirectOperations } from '../direct/operations';
import { type DirectVerb, directVerbs } from '../direct/versions';
import { RuntimeError } from '../errors';
import { native } from '../native';
import { resolveSettings } from '../runtime/options';
import type { Rootfs } from './differential/bundle';
import { Cli } from './differential/cli';
import { removeParentCgroup } from './differential/damage';
import { Machine } from './differential/machine';
import { Random } from './differential/random';
import { type Pair, Twin, Ways } from './differential/twin';
import { hostRootfs } from './host-rootfs';
import { isScript, type Proof, subjectOf, type Verdict, writeProof } from './proof-file';

export interface ProveOptions {
  /** As RuntimeOptions has it. */
  runtime?: string;
  /** Where to write the proof; default: where DobbyRunC looks for it. */
  proof?: string;
  /** How long to look for differences, seconds. */
  seconds?: number;
  seed?: number;
}

export interface Proven {
  readonly proof: Proof;
  readonly file: string;
}

const kSeconds = 20;
/** The most that it takes where some verb has not come to be done directly yet: under half a minute in all. */
const kMostSeconds = 28;
/** Of one attempt; after a difference the next goes without that verb. */
const kSteps = 400;
const kIds = ['a', 'twin-2', 'twin_3'];

/**
 * Compares what is done directly with what the runtime's command line does, on containers of its own in a root and a
 * cgroup of their own, and writes down which verbs have never differed. Leaves nothing else behind.
 * @throws RuntimeError when it can't be tried here
 */
export async function prove(o: ProveOptions = {}): Promise<Proven> {
  const settings = resolveSettings(o.runtime === undefined ? {} : { runtime: o.runtime });
  if (process.geteuid?.() !== 0) throw refusal('only root does anything directly');
  if (isScript(settings.runtimePath))
    throw refusal(`${settings.runtimePath} is a script: prove the runtime that it starts`);
  const invoker = new Invoker(settings);
  try {
    const { kind, version, why } = await askVersion(invoker, settings);
    if (kind === 'other' || why !== '') throw refusal(why);
    const subject = await subjectOf(kind, version, settings.runtimePath);
    const seed = o.seed ?? Math.floor(Math.random() * 2 ** 32);
    const found = await compare(settings.runtimePath, kind, version, seed, o.seconds ?? kSeconds);
    const proof: Proof = { format: 1, ...subject, at: new Date().toISOString(), seed, ...found };
    return { proof, file: writeProof(proof, o.proof === undefined ? null : path.resolve(o.proof)) };
  } finally {
    invoker.release();
  }
}

function refusal(why: string): RuntimeError {
  return new RuntimeError('ERR_UNSUPPORTED', `prove: ${why}`, { op: 'prove' });
}

async function compare(
  runtime: string,
  kind: Proof['kind'],
  version: string,
  seed: number,
  seconds: number,
): Promise<Pick<Proof, 'steps' | 'verbs'>> {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'dobby-prove-'));
  const wasSubreaper = native.subreaper(-1);
  native.subreaper(1);
  const start = performance.now();
  // Watches of processes don't keep the loop turning by themselves.
  const awake = setInterval(() => {}, 1000);
  const differences = new Map<DirectVerb, string>();
  const ways = new Ways();
  let steps = 0;
  const isOver = (): boolean => {
    const elapsed = (performance.now() - start) / 1000;
    if (elapsed < seconds) return false;
    const isWhole = directVerbs.every((verb) => differences.has(verb) || countOf(ways, verb) > 0);
    return isWhole || elapsed >= Math.max(seconds, kMostSeconds);
  };
  try {
    const rootfs = hostRootfs(path.join(base, 'rootfs'));
    for (let attempt = 0; attempt <= directVerbs.length && !isOver(); attempt++) {
      const place = path.join(base, String(attempt));
      const failed = await attemptOnce(
        { runtime, kind, version, place, rootfs, isOver, ways, differences },
        seed + attempt,
      );
      steps += failed.steps;
      if (failed.verb === null) break;
      differences.set(failed.verb, failed.why);
    }
  } finally {
    clearInterval(awake);
    await removeParentCgroup(cgroup());
    native.reapOrphans(0);
    native.subreaper(wasSubreaper);
    fs.rmSync(base, { recursive: true, force: true });
  }
  const verdict = (verb: DirectVerb): Verdict => {
    const difference = differences.get(verb);
    const equal = countOf(ways, verb);
    return difference === undefined ? { equal } : { equal, difference };
  };
  const verbs = Object.fromEntries(directVerbs.map((verb) => [verb, verdict(verb)])) as Proof['verbs'];
  return { steps, verbs };
}

interface Attempt {
  runtime: string;
  kind: Proof['kind'];
  version: string;
  /** Directory of its own. */
  place: string;
  rootfs: Rootfs;
  isOver: () => boolean;
  ways: Ways;
  differences: ReadonlyMap<DirectVerb, string>;
}

/** Steps until the time is over or something differs: verb says what of. */
async function attemptOnce(
  { runtime, kind, version, place, rootfs, isOver, ways, differences }: Attempt,
  seed: number,
): Promise<{ steps: number; verb: DirectVerb | null; why: string }> {
  const proven = new Set(directVerbs);
  const sides = ['direct', 'cli'].map((side) => {
    const root = `${place}/root-${side}`;
    fs.mkdirSync(`${place}/${side}`, { recursive: true });
    fs.mkdirSync(root, { mode: 0o700 });
    const direct = new DirectOperations({ kind, version, root, cgroupManager: 'cgroupfs', proven });
    const cli = new Cli(runtime, root, `${place}/${side}`);
    const make = (id: string, index: number): Twin =>
      new Twin(id, `${place}/${side}/${index}`, root, `${cgroup()}/${side}-${index}`, cli, direct);
    return { direct, make };
  });
  const pairs = kIds.map((id, index): Pair => {
    const [direct, cli] = sides.map((side) => side.make(id, index)) as [Twin, Twin];
    return { direct, cli, shape: null, undo: [], isDamaged: false, hasStarted: false, isFresh: false };
  });
  const stateFile = kind === 'crun' ? 'status' : 'state.json';
  const machine = new Machine(new Random(seed), pairs, ways, rootfs, stateFile, new Set(differences.keys()));
  let steps = 0;
  try {
    for (; steps < kSteps && !isOver(); steps++) await machine.step();
    return { steps, verb: null, why: '' };
  } catch (error) {
    const verb = directVerbs.find((each) => each === machine.verb);
    // Before anything was compared: containers can't be made here.
    if (verb === undefined) throw error;
    return { steps, verb, why: (error as Error).message.slice(0, 500) };
  } finally {
    await machine.end();
    for (const { direct } of sides) direct.close();
  }
}

function cgroup(): string {
  return `/dobby-prove-${process.pid}`;
}

/** A verb that a step of another name has done counts as well. */
function countOf(ways: Ways, verb: DirectVerb): number {
  const names: Partial<Record<DirectVerb, string[]>> = {
    kill: ['kill', 'killAll'],
    destroy: ['destroy', 'destroyByForce'],
  };
  return (names[verb] ?? [verb]).reduce((sum, name) => sum + ways.directCount(name), 0);
}
