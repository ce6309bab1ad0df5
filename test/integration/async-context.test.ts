import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { Container, ContainerProcess } from '../../src/index';
import { newBundle, newId } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

const storage = new AsyncLocalStorage<string>();

describe('the async context of the call that made it', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  /** The contexts that each event of a stream came in. */
  function note(seen: Record<string, Set<string | undefined>>, name: string): () => void {
    seen[name] ??= new Set();
    const contexts = seen[name];
    return () => void contexts.add(storage.getStore());
  }

  function listen(process: ContainerProcess, seen: Record<string, Set<string | undefined>>): void {
    for (const name of ['stdout', 'stderr', 'tty'] as const)
      process[name]
        ?.on('data', note(seen, `${name} data`))
        .on('end', note(seen, `${name} end`))
        .on('close', note(seen, `${name} close`));
    process.stdin?.on('drain', note(seen, 'stdin drain')).on('close', note(seen, 'stdin close'));
  }

  function checkAll(seen: Record<string, Set<string | undefined>>, context: string): void {
    for (const [name, contexts] of Object.entries(seen)) assert.deepEqual([...contexts], [context], name);
  }

  test("is that of 'data', 'end', 'close', 'drain' of its streams, and of 'exit'", async () => {
    const seen: Record<string, Set<string | undefined>> = {};
    const container = await storage.run('create', async () => {
      // The program waits for its input, so that all output comes after the call.
      const bundle = await newBundle(['/bin/sh', '-c', 'cat; echo end; echo err >&2; sleep 0.05; echo late']);
      const id = newId();
      const made = await dobby.create(id, bundle, { stdin: 'pipe', stdout: 'pipe', stderr: 'buffer' });
      return made;
    });
    const onExit = once(dobby, 'exit');
    dobby.once('exit', note(seen, 'exit'));
    storage.run('listener', () => listen(container, seen));
    await storage.run('start', () => container.start());
    await storage.run('write', async () => {
      container.stdin?.write(Buffer.alloc(1_000_000));
      await once(container.stdin as NodeJS.EventEmitter, 'drain');
      container.stdin?.end();
      await once(container.stdout as NodeJS.EventEmitter, 'close');
    });
    await container.exited;
    await onExit;
    await new Promise((resolve) => setTimeout(resolve, 20));
    await container.destroy();
    // Those that a call of the listener's own makes come in that one's context, as with every stream.
    for (const contexts of Object.values(seen)) for (const own of ['listener', 'write']) contexts.delete(own);
    checkAll(Object.fromEntries(Object.entries(seen).filter(([, contexts]) => contexts.size > 0)), 'create');
    for (const name of ['stdout data', 'stdout end', 'stderr data', 'stdin drain', 'exit'])
      assert.deepEqual([...(seen[name] ?? [])], ['create'], name);
  });

  test('is that of the terminal of an exec', async () => {
    const container: Container = await dobby.run(newId(), await newBundle(['/bin/sleep', '100']));
    const seen: Record<string, Set<string | undefined>> = {};
    const process = await storage.run('exec', () =>
      container.exec(['/bin/sh', '-c', 'read line; seq 1 20000; echo end'], { tty: true }),
    );
    listen(process, seen);
    const closed = once(process.tty as NodeJS.EventEmitter, 'close');
    storage.run('write', () => process.tty?.write('go\n'));
    await storage.run('exited', async () => {
      await process.exited;
      assert.equal(storage.getStore(), 'exited');
    });
    await closed;
    checkAll(seen, 'exec');
    await container.destroy({ force: true });
  });

  test("write callbacks see their own write's, queued or not, and whether they fail or not", async () => {
    const bundle = await newBundle(['/bin/sh', '-c', 'sleep 0.1; cat > /dev/null']);
    const container = await storage.run('create', () => dobby.run(newId(), bundle, { stdin: 'pipe' }));
    const { stdin } = container;
    assert.ok(stdin);
    const write = (context: string, bytes: number) =>
      storage.run(
        context,
        () =>
          new Promise<string | undefined>((resolve) => {
            stdin.write(Buffer.alloc(bytes), () => resolve(storage.getStore()));
          }),
      );
    const told = Promise.all([write('a', 1), write('b', 1_000_000), write('c', 1), write('d', 500_000)]);
    assert.deepEqual(await told, ['a', 'b', 'c', 'd']);
    const ended = storage.run(
      'end',
      () => new Promise<string | undefined>((resolve) => stdin.end(() => resolve(storage.getStore()))),
    );
    assert.equal(await ended, 'end');
    await container.exited;
    assert.equal(await write('late', 1), 'late');
    await container.destroy();
  });

  test('calls that wait for their turn, and the promises of all of them, keep their own', async () => {
    const bundle = await newBundle(['/bin/sleep', '100']);
    const id = newId();
    const operations: [string | undefined, string][] = [];
    const noteOperation = ({ op }: { op: string }) => void operations.push([storage.getStore(), op]);
    dobby.on('operation', noteOperation);
    const container = await storage.run('create', () => dobby.create(id, bundle));
    const calls = (['start', 'pause', 'resume'] as const).map((verb) =>
      storage.run(verb, async () => {
        await dobby[verb](id);
        return storage.getStore();
      }),
    );
    assert.deepEqual(await Promise.all(calls), ['start', 'pause', 'resume']);
    dobby.off('operation', noteOperation);
    for (const [context, op] of operations) assert.equal(context, op);
    await container.destroy({ force: true });
  });
});
