import { mkdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { DirectOperations } from '../../src/direct/operations';
import { native } from '../../src/native';
import { Cli } from '../../src/proof/differential/cli';
import { removeParentCgroup } from '../../src/proof/differential/damage';
import { Machine } from '../../src/proof/differential/machine';
import { Random } from '../../src/proof/differential/random';
import { type Pair, Twin, Ways } from '../../src/proof/differential/twin';
import { cgroup, kind, needsRuntime, runtime, version } from '../helpers/environment';
import { sharedRootfs } from '../helpers/rootfs';
import { temporaryDirectory } from '../helpers/temporary';

const kSteps = Number(process.env.DOBBY_TEST_STEPS ?? 300);
/** A fixed one unless asked for: DOBBY_TEST_SEED=random takes a fresh one. */
const kSeed =
  process.env.DOBBY_TEST_SEED === 'random'
    ? Math.floor(Math.random() * 2 ** 32)
    : Number(process.env.DOBBY_TEST_SEED ?? 20261124);

const kCgroup = `/dobby-twins-${process.pid}`;

/** crun 1.28 and runc 1.2 take no comma any more. */
const kComma = Number(version.split('.')[1]) < { crun: 28, runc: 2 }[kind] ? ',' : '';
/** The second has every character that the runtime takes. */
const kAll = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+${kComma}-.`;
const kIds = ['a', kAll, 'twin-3', '0'];

describe('direct operations against the command line', { skip: needsRuntime() }, () => {
  let wasSubreaper = 0;

  before(() => {
    wasSubreaper = native.subreaper(-1);
    native.subreaper(1);
  });

  after(() => {
    native.reapOrphans(0);
    native.subreaper(wasSubreaper);
  });

  it(`equal it in ${kSteps} random steps on ${kind} ${version}, cgroup ${cgroup}, seed ${kSeed}`, async (t) => {
    const base = temporaryDirectory('differential');
    const sides = ['direct', 'cli'].map((side) => {
      const root = `${base}/root-${side}`;
      mkdirSync(`${base}/${side}`, { recursive: true });
      mkdirSync(root, { mode: 0o700 });
      const direct = new DirectOperations({ kind, version, root, cgroupManager: 'cgroupfs' });
      const cli = new Cli(runtime, root, `${base}/${side}`);
      return (id: string, index: number) =>
        new Twin(id, `${base}/${side}/${index}`, root, `${kCgroup}/${side}-${index}`, cli, direct);
    });
    const pairs = kIds.map((id, index): Pair => {
      const [direct, cli] = sides.map((side) => side(id, index));
      if (direct === undefined || cli === undefined) throw new Error('two sides');
      return { direct, cli, shape: null, undo: [], isDamaged: false, hasStarted: false, isFresh: false };
    });
    const ways = new Ways();
    const stateFile = kind === 'crun' ? 'status' : 'state.json';
    const machine = new Machine(
      new Random(kSeed),
      pairs,
      ways,
      { path: sharedRootfs(), mounts: [] },
      stateFile,
    );
    try {
      for (let step = 0; step < kSteps; step++) await machine.step();
    } catch (error) {
      console.error(`seed ${kSeed}, ${kind} ${version}, cgroup ${cgroup}:\n${machine.log.join('\n')}`);
      throw error;
    } finally {
      await machine.end();
      await removeParentCgroup(kCgroup);
      for (const pair of pairs) {
        pair.direct.direct.close();
        pair.cli.direct.close();
      }
    }
    t.diagnostic(`seed ${kSeed}\n${ways.summary()}`);
    for (const verb of ['state', 'list', 'start', 'kill', 'pause', 'resume', 'destroy']) {
      if (ways.directCount(verb) === 0)
        throw new Error(`${verb} was never done directly:\n${ways.summary()}`);
    }
  });
});
