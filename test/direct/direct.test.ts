import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KeptInit } from '../../src/direct/init-handle';
import { type Direct, DirectOperations, versionGate } from '../../src/direct/operations';
import { Cli } from '../../src/proof/differential/cli';
import { initState } from '../../src/proof/differential/observe';
import { reap } from '../../src/proof/differential/reap';
import { cgroupMode, freezerOf, relativeCgroup, setFrozen } from '../../src/runtime/cgroup';
import { kind, needsRuntime, runtime } from '../helpers/environment';
import { diff, snapshot } from '../helpers/leaks';
import { temporaryDirectory } from '../helpers/temporary';
import { DirectFixture, kOptions, kStateFile, until, valueIn, whyNot } from './fixture';

/** Keeps a container's descriptors, and ends only by being terminated. */
const kWorker = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { DirectOperations } = require(workerData.module);
  const direct = new DirectOperations(workerData.options);
  direct.keep('worker', workerData.pid);
  parentPort.postMessage(direct.state('worker'));
  setInterval(() => {}, 1000);
`;

/** The lines about those that are open now and were not. */
function descriptorsSince(before: ReturnType<typeof snapshot>): string[] {
  return diff(before, snapshot()).filter((line) => line.startsWith('descriptors: '));
}

describe('versionGate', () => {
  it('knows the proven versions and no other major', () => {
    for (const [known, text] of [
      ['crun', 'crun version 1.8.1\ncommit: 1234'],
      ['crun', '1.21'],
      ['crun', 'crun version 1.28\ncommit: 1234'],
      ['crun', '1.29.1'],
      ['runc', '1.1.5+ds1'],
      ['runc', '1.1.15'],
      ['runc', '1.2.0'],
      ['runc', '1.3.6+ds1'],
      ['runc', '1.4.3'],
      ['runc', '1.5.1'],
    ] as const) {
      assert.ok('adapter' in versionGate(known, text), text);
    }
    for (const [unknown, text] of [
      ['crun', ''],
      ['crun', '2.0'],
      ['crun', '0.17'],
      ['crun', '1.7'],
      ['crun', '1.30'],
      ['runc', '1.0.3'],
      ['runc', '1.6.0'],
      ['runc', '2.1.5'],
    ] as const) {
      assert.ok('why' in versionGate(unknown, text), text);
    }
  });
});

describe('DirectOperations without a way', () => {
  it('says why: unknown version, systemd cgroups', async () => {
    const unknown = new DirectOperations({ ...kOptions, kind: 'crun', version: '7.0' });
    assert.match(whyNot(unknown.state('a')), /crun 7\.0 is not proven/);
    assert.match(whyNot(await unknown.list()), /not proven/);
    unknown.keep('a', process.pid);
    unknown.close();
    const systemd = new DirectOperations({
      ...kOptions,
      kind: 'crun',
      version: '1.8.1',
      cgroupManager: 'systemd',
    });
    assert.match(whyNot(systemd.kill('a', 9, false)), /systemd/);
  });
});

describe('direct operations', { skip: needsRuntime() }, () => {
  const fixture = new DirectFixture();
  const { base, direct, root } = fixture;

  for (const isKept of [false, true]) {
    const how = isKept ? 'with kept descriptors' : 'by path';

    it(`tell every state as the command line does, ${how}`, async () => {
      const id = isKept ? 'kept' : 'unkept';
      const twin = await fixture.create(id);
      if (isKept) twin.keep();
      const check = async (status: string): Promise<void> => {
        const state = valueIn(direct.state(id));
        assert.equal(state.status, status);
        assert.deepEqual(state, await fixture.stateByCli(id));
      };
      await check('created');
      valueIn(await direct.pause(id));
      // Created and frozen: the fifo counts for crun, the freezer for runc.
      await check(kind === 'crun' ? 'created' : 'paused');
      valueIn(await direct.resume(id));
      await check('created');
      valueIn(await direct.start(id));
      await check('running');
      valueIn(await direct.pause(id));
      await check('paused');
      valueIn(await direct.resume(id));
      await check('running');
      valueIn(direct.kill(id, 9, false));
      await until(() => initState(twin.init).startsWith('zombie'));
      await check('stopped');
      await reap(twin.init);
      assert.equal(initState(twin.init), 'gone');
      await check('stopped');
      valueIn(await direct.destroy(id, { force: false }));
      assert.match(whyNot(direct.state(id)), /no st/);
    });
  }

  it('do not touch a process that got the pid later', async () => {
    const twin = await fixture.run('reused');
    twin.keep();
    const path = `${twin.stateDirectory}/${kStateFile}`;
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(twin.init?.startTime ?? '', String(Number(twin.init?.startTime) - 1)));
    assert.equal(valueIn(direct.state('reused')).status, 'stopped');
    assert.deepEqual(valueIn(direct.state('reused')), await fixture.stateByCli('reused'));
    whyNot(direct.kill('reused', 9, false));
    whyNot(await direct.pause('reused'));
    writeFileSync(path, text);
    assert.equal(valueIn(direct.state('reused')).status, 'running');
    assert.equal(initState(twin.init), 'alive');
  });

  it('see an exec.fifo that goes and comes back, kept or not', async () => {
    for (const isKept of [true, false]) {
      const id = `fifo-${isKept}`;
      const twin = await fixture.create(id);
      if (isKept) twin.keep();
      const fifo = `${twin.stateDirectory}/exec.fifo`;
      const hidden = `${twin.directory}/hidden`;
      const check = async (status: string): Promise<void> => {
        for (let i = 0; i < 3; i++) assert.equal(valueIn(direct.state(id)).status, status);
        assert.deepEqual(valueIn(direct.state(id)), await fixture.stateByCli(id));
      };
      for (let i = 0; i < 2; i++) {
        await check('created');
        renameSync(fifo, hidden);
        await check('running');
        writeFileSync(`${twin.stateDirectory}/other`, '');
        await check('running');
        rmSync(`${twin.stateDirectory}/other`);
        renameSync(hidden, fifo);
      }
      await check('created');
    }
  });

  it('leave unknown keys, half a file, odd ids and no container to the runtime', async () => {
    const twin = await fixture.create('odd');
    const path = `${twin.stateDirectory}/${kStateFile}`;
    const text = readFileSync(path, 'utf8');
    for (const content of [text.replace('{', '{"x":1,'), text.slice(0, 50), '', 'null']) {
      writeFileSync(path, content);
      whyNot(direct.state('odd'));
      whyNot(direct.kill('odd', 15, false));
      whyNot(await direct.start('odd'));
      whyNot(await direct.destroy('odd', { force: true }));
    }
    writeFileSync(path, text);
    assert.equal(initState(twin.init), 'alive');
    for (const id of ['', '.', '..', 'a/b', '../root/odd', 'a\0b', 'nobody']) whyNot(direct.state(id));
  });

  /** A running container in a root of its own, where nothing is kept of it. */
  const copied = async (id: string): Promise<{ list: string; cli: Cli; others: DirectOperations }> => {
    const twin = await fixture.run(id);
    const list = `${base}/${id}-root`;
    cpSync(twin.stateDirectory, `${list}/${id}`, { recursive: true });
    return {
      list,
      cli: new Cli(runtime, list, base),
      others: new DirectOperations({ ...kOptions, root: list }),
    };
  };

  it('list as the command line does, in slices', async () => {
    const twin = await fixture.run('many');
    const list = `${base}/list-root`;
    for (let index = 0; index < 200; index++) {
      cpSync(twin.stateDirectory, `${list}/c${(index * 7919) % 200}`, { recursive: true });
    }
    mkdirSync(`${list}/no-state`);
    mkdirSync(`${list}/.hidden`);
    const others = new DirectOperations({ ...kOptions, root: list });
    let turns = 0;
    let isListing = true;
    const count = (): void => {
      turns++;
      if (isListing) setImmediate(count);
    };
    setImmediate(count);
    const entries = valueIn(await others.listEntries());
    isListing = false;
    assert.ok(turns > 5, `the loop turned ${turns} times`);
    const { stdout } = await new Cli(runtime, list, base).run('list', '--format', 'json');
    assert.deepEqual(entries, JSON.parse(stdout));
    const [item] = valueIn(await others.list());
    assert.equal(item?.bundlePath, twin.directory);
    assert.ok(item?.created instanceof Date);
    const empty = new DirectOperations({ ...kOptions, root: temporaryDirectory('empty') });
    assert.deepEqual(await empty.list(), { done: true, value: [] });
    whyNot(await new DirectOperations({ ...kOptions, root: '/nonexistent' }).list());
  });

  it('leave a list of odd neighbours to the runtime, or tell the same', async () => {
    const { list, cli, others } = await copied('neighbour');
    const check = async (path: string | Buffer): Promise<void> => {
      const answer = await others.listEntries();
      if (kind === 'crun') whyNot(answer);
      else assert.deepEqual(valueIn(answer), JSON.parse((await cli.run('list', '--format', 'json')).stdout));
      rmSync(path, { recursive: true });
    };
    writeFileSync(`${list}/file`, '');
    await check(`${list}/file`);
    symlinkSync('neighbour', `${list}/link`);
    await check(`${list}/link`);
    const notUtf8 = Buffer.from(`${list}/neighbour\xff`, 'latin1');
    mkdirSync(notUtf8);
    const file = Buffer.from(`/${kStateFile}`);
    copyFileSync(`${list}/neighbour/${kStateFile}`, Buffer.concat([notUtf8, file]));
    await check(notUtf8);
    assert.equal(valueIn(await others.listEntries()).length, 1);
  });

  it('freeze on without a descriptor when what was kept is closed meanwhile', async () => {
    const twin = await fixture.run('closed');
    const atFirst = snapshot();
    const kept = KeptInit.open(twin.init?.pid ?? 0);
    assert.ok(kept);
    const freezer = freezerOf(cgroupMode(), relativeCgroup(twin.cgroupsPath));
    const thawed = kept.freezerText(freezer);
    kept.close();
    await setFrozen(freezer, true, kept);
    await setFrozen(freezer, false, kept);
    assert.equal(kept.freezerText(freezer), thawed);
    assert.deepEqual(descriptorsSince(atFirst), []);
  });

  it('keep no descriptor after forget, close and destroy', async () => {
    const twin = await fixture.run('descriptors');
    const atFirst = snapshot();
    const left = (): string[] => descriptorsSince(atFirst);
    twin.keep();
    twin.keep();
    direct.state('descriptors');
    valueIn(await direct.pause('descriptors'));
    valueIn(await direct.resume('descriptors'));
    assert.equal(left().length, 3);
    direct.forget('descriptors');
    direct.forget('descriptors');
    assert.deepEqual(left(), []);
    const other = new DirectOperations({ ...kOptions, root });
    other.keep('descriptors', twin.init?.pid ?? 0);
    other.state('descriptors');
    other.close();
    other.close();
    assert.deepEqual(left(), []);
    twin.keep();
    valueIn(await direct.destroy('descriptors', { force: true }));
    assert.deepEqual(left(), []);
  });

  it('keep those of what others have created from the second list on, and none after its removal', async () => {
    const { list, cli, others } = await copied('listed');
    const atFirst = snapshot();
    const answers: unknown[] = [];
    for (const descriptors of [0, 3, 3]) {
      answers.push(valueIn(await others.listEntries()));
      assert.equal(descriptorsSince(atFirst).length, descriptors);
    }
    const { stdout } = await cli.run('list', '--format', 'json');
    for (const answer of answers) assert.deepEqual(answer, JSON.parse(stdout));
    rmSync(`${list}/listed`, { recursive: true });
    assert.deepEqual(valueIn(await others.listEntries()), []);
    assert.deepEqual(descriptorsSince(atFirst), []);
  });

  it('keep no descriptor when the worker that had them is terminated', async () => {
    const twin = await fixture.run('worker');
    const atFirst = snapshot();
    const worker = new Worker(kWorker, {
      eval: true,
      workerData: {
        module: require.resolve('../../src/direct/operations'),
        options: { ...kOptions, root },
        pid: twin.init?.pid,
      },
    });
    const answer = await new Promise<Direct<{ status: string }>>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    assert.equal(valueIn(answer).status, 'running');
    await worker.terminate();
    await until(() => !diff(atFirst, snapshot()).some((line) => /pidfd|stat|freez/.test(line)));
  });
});
