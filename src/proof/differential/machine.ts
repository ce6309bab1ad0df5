import assert from 'node:assert/strict';
import { existsSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Direct } from '../../direct/operations';
import { type Rootfs, randomShape } from './bundle';
import type { CliResult } from './cli';
import { damages, removeByHand } from './damage';
import { freezerFile, hierarchies, initState, isUnified } from './observe';
import type { Random } from './random';
import { reap } from './reap';
import { settle } from './settle';
import type { Pair, Twin, Ways } from './twin';

const kWeights = {
  start: 16,
  kill: 14,
  killAll: 4,
  pause: 10,
  resume: 10,
  destroy: 11,
  destroyByForce: 6,
  killFromOutside: 3,
  freezeFromOutside: 4,
  thawFromOutside: 5,
  reap: 6,
  damage: 7,
  repair: 8,
  keep: 3,
  forget: 2,
  vanish: 1,
};

const kSignals = [1, 2, 3, 9, 10, 10, 12, 15, 15, 18, 19, 64];

type Answer = Direct<unknown>;

const kLeftOut: Answer = { done: false, why: 'left out' };

/** The verbs that go by other names here. */
const kVerbs: Readonly<Record<string, string>> = { killAll: 'kill', destroyByForce: 'destroy' };

export class Machine {
  readonly log: string[] = [];
  readonly #random: Random;
  readonly #pairs: readonly Pair[];
  readonly #ways: Ways;
  readonly #rootfs: Rootfs;
  readonly #stateFile: string;

  /** What was compared last: when a step fails, the verb that differs. */
  verb = '';
  readonly #without: ReadonlySet<string>;

  /** without: verbs that are done by the command line only. */
  constructor(
    random: Random,
    pairs: readonly Pair[],
    ways: Ways,
    rootfs: Rootfs,
    stateFile: string,
    without: ReadonlySet<string> = new Set(),
  ) {
    this.#without = without;
    this.#random = random;
    this.#pairs = pairs;
    this.#ways = ways;
    this.#rootfs = rootfs;
    this.#stateFile = stateFile;
  }

  async step(): Promise<void> {
    const pair = this.#random.pick(this.#pairs);
    if (pair.shape === null && this.#random.chance(0.85)) await this.#create(pair);
    else if (pair.isDamaged && this.#random.chance(0.25)) await this.#act(pair, 'repair');
    else if (pair.isFresh && this.#random.chance(0.4)) await this.#act(pair, 'start');
    else await this.#act(pair, this.#random.weighted(kWeights));
    await settle(pair);
    await this.#compareState(pair);
    await this.#compareLists(pair);
    if (pair.shape !== null && !existsSync(pair.cli.stateDirectory)) await this.#clear(pair);
  }

  async end(): Promise<void> {
    for (const pair of this.#pairs) await this.#clear(pair);
  }

  #note(pair: Pair, what: string): void {
    this.log.push(`${this.log.length + 1}. ${pair.cli.id}: ${what}`);
  }

  async #create(pair: Pair): Promise<void> {
    this.verb = 'create';
    const shape = randomShape(this.#random);
    const keeps = this.#random.chance(0.5);
    this.#note(pair, `create ${keeps ? 'and keep ' : ''}${JSON.stringify(shape)}`);
    const results = [
      await pair.direct.create(this.#rootfs, shape),
      await pair.cli.create(this.#rootfs, shape),
    ];
    for (const { code, stderr } of results) assert.equal(code, 0, `create failed: ${stderr}`);
    Object.assign(pair, { shape, undo: [], isDamaged: false, hasStarted: false, isFresh: true });
    if (keeps) pair.direct.keep();
  }

  async #act(pair: Pair, action: keyof typeof kWeights): Promise<void> {
    const { direct: twin, cli } = pair;
    const { direct, id } = twin;
    switch (action) {
      case 'start':
        // runc's start waits for an init that is stopped until it is continued; so does the direct way.
        if (initState(twin.init) === 'stopped by a signal' && this.#stateFile === 'state.json') return;
        this.#note(pair, 'start');
        pair.isFresh = false;
        if (await this.#both(pair, 'start', () => direct.start(id), ['start', id])) pair.hasStarted = true;
        return;
      case 'kill':
      case 'killAll': {
        const signal = action === 'kill' ? this.#random.pick(kSignals) : this.#random.pick([9, 9, 9, 15]);
        const isAll = action === 'killAll';
        this.#note(pair, `${action} ${signal}`);
        const args = ['kill', ...(isAll ? ['--all'] : []), id, String(signal)];
        await this.#both(pair, action, () => direct.kill(id, signal, isAll), args);
        return;
      }
      case 'pause':
        this.#note(pair, 'pause');
        await this.#both(pair, 'pause', () => direct.pause(id), ['pause', id]);
        return;
      case 'resume':
        this.#note(pair, 'resume');
        await this.#both(pair, 'resume', () => direct.resume(id), ['resume', id]);
        return;
      case 'destroy':
      case 'destroyByForce': {
        const force = action === 'destroyByForce';
        this.#note(pair, action);
        await this.#both(pair, action, () => direct.destroy(id, { force }), [
          'delete',
          ...(force ? ['--force'] : []),
          id,
        ]);
        return;
      }
      case 'keep':
        this.#note(pair, 'keep');
        twin.keep();
        return;
      case 'forget':
        this.#note(pair, 'forget');
        direct.forget(id);
        return;
      default:
        await this.#fromOutside(pair, action, [twin, cli]);
    }
  }

  /** Direct or, if it says so, by command line; the twin always by command line. They must agree on success. */
  async #both(
    pair: Pair,
    verb: string,
    ask: () => Answer | Promise<Answer>,
    args: string[],
  ): Promise<boolean> {
    this.verb = kVerbs[verb] ?? verb;
    const answer = this.#without.has(this.verb) ? kLeftOut : await ask();
    this.#ways.count(verb, answer);
    const why = answer.done ? 'directly' : answer.why;
    const first: CliResult | null = answer.done ? null : await pair.direct.cli.run(...args);
    const second = await pair.cli.cli.run(...args);
    const succeeded = first === null || first.code === 0;
    assert.equal(
      succeeded,
      second.code === 0,
      `${args.join(' ')} (${why}): the first ${succeeded ? 'succeeded' : `failed: ${first?.stderr}`}, the twin: ${second.code} ${second.stderr}`,
    );
    return succeeded;
  }

  async #fromOutside(pair: Pair, action: keyof typeof kWeights, twins: readonly Twin[]): Promise<void> {
    if (pair.shape === null) return;
    switch (action) {
      case 'killFromOutside':
        this.#note(pair, 'killed from outside');
        for (const { init } of twins) if (isLiving(init)) process.kill(init?.pid ?? 0, 'SIGKILL');
        return;
      case 'freezeFromOutside':
      case 'thawFromOutside': {
        const isFrozen = action === 'freezeFromOutside';
        this.#note(pair, `${isFrozen ? 'frozen' : 'thawed'} from outside`);
        const word = isUnified() ? (isFrozen ? '1' : '0') : isFrozen ? 'FROZEN' : 'THAWED';
        for (const { cgroupsPath } of twins) {
          if (existsSync(freezerFile(cgroupsPath))) writeFileSync(freezerFile(cgroupsPath), word);
        }
        return;
      }
      case 'reap':
        this.#note(pair, 'reaped');
        for (const twin of twins) await reap(twin.init);
        return;
      case 'vanish':
        this.#note(pair, 'state directory vanishes');
        for (const { stateDirectory } of twins) rmSync(stateDirectory, { recursive: true, force: true });
        return;
      case 'repair':
        if (pair.undo.length === 0) return;
        this.#note(pair, 'repaired');
        for (const undo of pair.undo.toReversed()) undo();
        pair.undo = [];
        pair.isDamaged = false;
        return;
      default: {
        const name = this.#random.pick(Object.keys(damages) as (keyof typeof damages)[]);
        this.#note(pair, name);
        for (const twin of twins) {
          const undo = damages[name](twin, this.#stateFile);
          if (undo !== null) pair.undo.push(undo);
        }
        pair.isDamaged = true;
      }
    }
  }

  async #compareState(pair: Pair): Promise<void> {
    for (const { id, direct, cli } of [pair.direct, pair.cli]) {
      await this.#compare(
        'state',
        () => direct.state(id),
        () => cli.run('state', id),
      );
    }
  }

  async #compareLists(pair: Pair): Promise<void> {
    for (const { direct, cli } of [pair.direct, pair.cli]) {
      await this.#compare(
        'list',
        () => direct.listEntries(),
        () => cli.run('list', '--format', 'json'),
      );
    }
  }

  /** Asks directly before and after the command line: something may end in between, and does not count then. */
  async #compare(
    what: string,
    ask: () => Answer | Promise<Answer>,
    run: () => Promise<CliResult>,
  ): Promise<void> {
    if (this.#without.has(what)) return;
    this.verb = what;
    for (let tries = 1; ; tries++) {
      const before = await ask();
      const { code, stdout, stderr } = await run();
      const after = await ask();
      const isSteady = isDeepStrictEqual(before, after);
      if (!isSteady && tries < 5) continue;
      this.#ways.count(what, after);
      if (!after.done) return;
      assert.equal(code, 0, `${what}: directly ${JSON.stringify(after.value)}, but ${stderr}`);
      assert.deepEqual(after.value, JSON.parse(stdout) ?? [], what);
      return;
    }
  }

  async #clear(pair: Pair): Promise<void> {
    for (const twin of [pair.direct, pair.cli]) {
      removeByHand(twin);
      twin.direct.forget(twin.id);
      await untilGone(twin);
      twin.init = null;
    }
    pair.shape = null;
    pair.isFresh = false;
    pair.undo = [];
  }
}

function isLiving(init: Twin['init']): boolean {
  return ['alive', 'stopped by a signal'].includes(initState(init));
}

/** Until nothing is left in the cgroups, which are then removed. */
async function untilGone(twin: Twin): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    removeByHand(twin);
    if (isLiving(twin.init)) process.kill(twin.init?.pid ?? 0, 'SIGKILL');
    const left = hierarchies()
      .map((hierarchy) => `${hierarchy}${twin.cgroupsPath}`)
      .filter((directory) => existsSync(directory));
    for (const directory of left) {
      try {
        if (existsSync(`${directory}/nested`)) rmdirSync(`${directory}/nested`);
        rmdirSync(directory);
      } catch {
        // Still in use.
      }
    }
    await reap(twin.init);
    if (left.length === 0 && !isLiving(twin.init)) return;
    await delay(5);
  }
  throw new Error(`${twin.id} can't be removed`);
}
