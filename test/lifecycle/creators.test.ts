import assert from 'node:assert/strict';
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newBundle, newDobby, newId, until } from '../helpers/containers';
import { kind, needsRuntime, runtime, version } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';
import type { Order, Outcome } from './fixtures/creator';

const rounds = Number(process.env.DOBBY_TEST_ROUNDS ?? 15);
const processes = 3;

/**
 * runc before 1.2 looks whether the state directory is there and then makes it with MkdirAll: two of its bare creates can
 * both succeed, and one that fails removes the other's (of 60 rounds of three bare runc 1.1.5, once each). What is its own
 * doing is not held against this package.
 */
const isExclusive = !(kind === 'runc' && version.startsWith('1.1.'));

describe('several creators of one id', { skip: needsRuntime() }, () => {
  const root = path.join(temporaryDirectory('creators'), 'root');
  const dobby = newDobby({ root });
  const children: ChildProcess[] = [];
  let bundle: string;
  before(async () => {
    bundle = (await newBundle(['/bin/sleep', '1000'])).path;
    for (let i = 0; i < processes; i++)
      children.push(fork(path.join(__dirname, 'fixtures/creator.js'), [runtime, root]));
  });
  after(async () => {
    for (const child of children) {
      const exited = once(child, 'exit');
      child.disconnect();
      child.kill('SIGKILL');
      await exited;
    }
    assert.deepEqual(await dobby.list(), []);
    assert.deepEqual(await dobby.leftovers(), []);
    assert.deepEqual(fs.readdirSync('/run/dobby-runc/claims'), []);
    await dobby[Symbol.asyncDispose]();
  });

  async function ask(child: ChildProcess, order: Order): Promise<Outcome[]> {
    const answer = once(child, 'message');
    child.send(order);
    return ((await answer) as [Outcome[]])[0];
  }

  const soon = (): number => Date.now() + 20;

  async function assertAlive(id: string, pid: number, what: string): Promise<void> {
    const { status, pid: there } = await dobby.inspect(id);
    assert.deepEqual({ status, pid: there }, { status: 'created', pid }, what);
    await dobby.destroy(id, { force: true });
  }

  test(`three processes with two DobbyRunC each, ${rounds} rounds: one wins, all others are told that it exists`, async () => {
    for (let round = 0; round < rounds; round++) {
      const order: Order = { id: newId('race'), bundle, atMs: soon() };
      const outcomes = (await Promise.all(children.map((child) => ask(child, order)))).flat();
      const winners = outcomes.filter(({ code }) => code === '');
      const told = JSON.stringify(outcomes);
      assert.equal(winners.length, 1, told);
      assert.equal(
        outcomes.filter(({ code }) => code === 'ERR_CONTAINER_EXISTS').length,
        outcomes.length - 1,
        told,
      );
      await assertAlive(order.id, winners[0]?.pid ?? 0, told);
    }
  });

  test(`creators that are aborted, ${rounds} rounds: none removes what another one has made`, async () => {
    for (let round = 0; round < rounds; round++) {
      const id = newId('abort');
      const atMs = soon();
      const [first, ...others] = children as [ChildProcess, ...ChildProcess[]];
      const [won, ...aborted] = await Promise.all([
        ask(first, { id, bundle, atMs: atMs + (round % 8) }),
        ...others.map((child, index) => ask(child, { id, bundle, atMs, abortAfterMs: (round + index) % 12 })),
      ]);
      const told = JSON.stringify([won, aborted]);
      const winner = [...won, ...aborted.flat()].filter(({ code }) => code === '');
      assert.ok(winner.length <= 1, told);
      if (winner[0] !== undefined) await assertAlive(id, winner[0].pid, told);
      else assert.equal(await dobby.state(id), 'unknown', told);
    }
  });

  test(`a create that hangs and is destroyed by force by who then makes his own, ${rounds} rounds: his lives on`, async () => {
    const hanging = await newBundle(['/bin/sleep', '1000'], {
      hooks: { prestart: [{ path: '/bin/sleep', args: ['sleep', '5'] }] },
    });
    const [a, b] = children as [ChildProcess, ChildProcess];
    for (let round = 0; round < rounds; round++) {
      const id = newId('hang');
      const hangs = ask(a, { id, bundle: hanging.path, atMs: Date.now(), abortAfterMs: 60_000 });
      await until(() => fs.existsSync(path.join(root, id)));
      await new Promise((resolve) => setTimeout(resolve, round * 5));
      const [made] = await ask(b, { id, bundle, atMs: Date.now(), destroysFirst: true });
      const [failed] = await hangs;
      const told = JSON.stringify([made, failed]);
      assert.equal(made?.code, '', told);
      assert.notEqual(failed?.code, '', told);
      await assertAlive(id, made?.pid ?? 0, told);
    }
  });

  test(`the bare command line among them, ${rounds} rounds: one wins, and what it made stays`, async () => {
    const directory = temporaryDirectory('bare');
    for (let round = 0; round < rounds; round++) {
      const order: Order = { id: newId('bare'), bundle, atMs: soon() };
      const asked = Promise.all(children.map((child) => ask(child, order)));
      await new Promise((resolve) => setTimeout(resolve, order.atMs - Date.now() + (round % 10)));
      // To a file: the init inherits it, and a pipe would never end.
      const script = 'exec "$@" >"$OUT" 2>&1';
      const args = ['-c', script, 'sh', runtime, '--root', root, 'create', '--bundle', bundle, order.id];
      const bare = await new Promise<boolean>((resolve) => {
        execFile(
          '/bin/sh',
          args,
          { env: { ...process.env, OUT: path.join(directory, `${round}`) } },
          (error) => resolve(error === null),
        );
      });
      const outcomes = (await asked).flat();
      const told = JSON.stringify({ kind, bare, outcomes });
      const winners = outcomes.filter(({ code }) => code === '').length + (bare ? 1 : 0);
      if (isExclusive) assert.ok(winners <= 1, told);
      if (isExclusive && winners === 1) {
        const { status, pid } = await dobby.inspect(order.id);
        assert.equal(status, 'created', told);
        assert.ok(pid === undefined || pid > 0, told);
        await dobby.destroy(order.id, { force: true });
      } else await dobby.destroy(order.id, { force: true }).catch(() => {});
    }
  });
});
