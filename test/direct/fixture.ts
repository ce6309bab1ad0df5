import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { after, before } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Direct, DirectOperations, type DirectOptions } from '../../src/direct/operations';
import { native } from '../../src/native';
import { kFirstWord, type Shape } from '../../src/proof/differential/bundle';
import { Cli } from '../../src/proof/differential/cli';
import { removeByHand, removeParentCgroup } from '../../src/proof/differential/damage';
import { hierarchies } from '../../src/proof/differential/observe';
import { Twin } from '../../src/proof/differential/twin';
import { kind, runtime, version } from '../helpers/environment';
import { sharedRootfs } from '../helpers/rootfs';
import { temporaryDirectory } from '../helpers/temporary';

const kPlain: Shape = {
  program: 'loop',
  hasHooks: false,
  hasPoststartHook: false,
  hasPoststopHook: false,
  hasStartContainerHook: false,
  sharesPidNamespace: false,
  annotations: { a: 'b' },
};

export const kOptions: DirectOptions = { kind, version, root: '/nonexistent', cgroupManager: 'cgroupfs' };

/** The name of the runtime's state file. */
export const kStateFile = kind === 'crun' ? 'status' : 'state.json';

export function whyNot(answer: Direct<unknown>): string {
  assert.equal(answer.done, false, 'it was done');
  return answer.done ? '' : answer.why;
}

export function valueIn<T>(answer: Direct<T>): T {
  if (!answer.done) throw new Error(answer.why);
  return answer.value;
}

export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries === 1000) throw new Error(`not so within 5 s: ${condition.toString()}`);
    await delay(5);
  }
}

/** Waits for the program's first output. */
export function untilStarted({ directory }: Twin): Promise<void> {
  const out = `${directory}/log/out`;
  return until(() => existsSync(out) && readFileSync(out, 'utf8') === kFirstWord);
}

export function cgroupsOf({ cgroupsPath }: Twin): string[] {
  return hierarchies()
    .map((hierarchy) => `${hierarchy}${cgroupsPath}`)
    .filter((path) => existsSync(path));
}

/** A root with direct operations on it, and the containers that a suite makes there. Call it in a describe(). */
export class DirectFixture {
  readonly base = temporaryDirectory('direct');
  readonly root = `${this.base}/root`;
  readonly direct = new DirectOperations({ ...kOptions, root: this.root });
  readonly cli = new Cli(runtime, this.root, this.base);
  readonly #cgroup = `/dobby-direct-${process.pid}`;
  readonly #made: Twin[] = [];
  #wasSubreaper = 0;

  constructor() {
    before(() => {
      mkdirSync(this.root, { mode: 0o700 });
      this.#wasSubreaper = native.subreaper(-1);
      native.subreaper(1);
    });
    after(async () => {
      this.direct.close();
      for (const twin of this.#made) {
        await this.cli.run('delete', '--force', twin.id);
        removeByHand(twin);
      }
      await removeParentCgroup(this.#cgroup);
      native.reapOrphans(0);
      native.subreaper(this.#wasSubreaper);
    });
  }

  async create(id: string, shape: Partial<Shape> = {}): Promise<Twin> {
    const cgroupsPath = `${this.#cgroup}/${id}`;
    const twin = new Twin(id, `${this.base}/${id}`, this.root, cgroupsPath, this.cli, this.direct);
    this.#made.push(twin);
    const { code, stderr } = await twin.create({ path: sharedRootfs(), mounts: [] }, { ...kPlain, ...shape });
    assert.equal(code, 0, stderr);
    return twin;
  }

  /** Creates and starts; comes back when the program runs. */
  async run(id: string, shape: Partial<Shape> = {}): Promise<Twin> {
    const twin = await this.create(id, shape);
    valueIn(await this.direct.start(id));
    await untilStarted(twin);
    return twin;
  }

  async stateByCli(id: string): Promise<unknown> {
    return JSON.parse((await this.cli.run('state', id)).stdout);
  }
}
