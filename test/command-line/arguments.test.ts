import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { DobbyRunC } from '../../src/index';
import { leftSince, snapshot } from '../helpers/leaks';
import { temporaryDirectory } from '../helpers/temporary';

// No runtime is started by any of these: they are refused before.
const runtime = '/bin/true';
const root = path.join(temporaryDirectory('arguments'), 'root');

describe('arguments', () => {
  test('ids: what can’t be one is refused by every operation, with ERR_INVALID_ID, and leaves nothing', async () => {
    const dobby = new DobbyRunC({ runtime, root });
    const before = snapshot();
    const wrong: unknown[] = [
      '',
      '.',
      '..',
      '../x',
      'a/b',
      'a\0b',
      'a\nb',
      'a b',
      '-x',
      'ä',
      'x'.repeat(256),
      7,
      null,
      undefined,
      {},
    ];
    for (const id of wrong as string[])
      for (const call of [
        () => dobby.create(id, '/tmp'),
        () => dobby.run(id, '/tmp'),
        () => dobby.start(id),
        () => dobby.killCont(id, 'SIGTERM'),
        () => dobby.pause(id),
        () => dobby.resume(id),
        () => dobby.exec(id, ['true']),
        () => dobby.state(id),
        () => dobby.inspect(id),
        () => dobby.destroy(id),
        () => dobby.stop(id),
        () => dobby.wait(id),
        () => dobby.adopt(id),
      ])
        await assert.rejects(call, (error: NodeJS.ErrnoException) => {
          assert.ok(error instanceof TypeError, String(error));
          assert.equal(error.code, 'ERR_INVALID_ID');
          return true;
        });
    assert.deepEqual(await leftSince(before), []);
  });

  test("idRules 'dobby': 1 to 128 of A-Za-z0-9._-, no '..', at least one letter", async () => {
    const dobby = new DobbyRunC({ runtime, root, idRules: 'dobby' });
    for (const id of ['a+b', '123', 'a..b', 'a'.repeat(129), '._-'])
      await assert.rejects(dobby.state(id), { code: 'ERR_INVALID_ID' }, id);
    const oci = new DobbyRunC({ runtime, root });
    // Two hundred characters are allowed by the OCI rules: the runtime is asked.
    await assert.rejects(oci.inspect('a'.repeat(200)), { code: 'ERR_RUNTIME_FAILED' });
  });

  test('options of the constructor are checked', () => {
    for (const [options, name, code] of [
      [{ runtime: '' }, 'TypeError', 'ERR_INVALID_ARG_TYPE'],
      [{ runtime: 'no-such-runtime-anywhere' }, 'RuntimeError', 'ERR_RUNTIME_NOT_FOUND'],
      [{ root: 'a\0b' }, 'TypeError', 'ERR_INVALID_ARG_VALUE'],
      [{ createTimeoutMs: 0 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
      [{ createTimeoutMs: '5' }, 'TypeError', 'ERR_INVALID_ARG_TYPE'],
      [{ maxConcurrentCreates: 0 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
      [{ idRules: 'none' }, 'TypeError', 'ERR_INVALID_ARG_VALUE'],
      [{ direct: true }, 'TypeError', 'ERR_INVALID_ARG_VALUE'],
      [{ env: { 'A=B': 'x' } }, 'TypeError', 'ERR_INVALID_ARG_VALUE'],
      [{ env: { A: 1 } }, 'TypeError', 'ERR_INVALID_ARG_TYPE'],
      [{ stop: { signal: 'SIGNOPE' } }, 'TypeError', 'ERR_INVALID_ARG_VALUE'],
      [{ stop: { graceMs: -1 } }, 'RangeError', 'ERR_OUT_OF_RANGE'],
      [null, 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    ] as const)
      assert.throws(
        () => new DobbyRunC(options === null ? (null as never) : ({ runtime, root, ...options } as never)),
        { name, code },
        JSON.stringify(options),
      );
  });

  test('descriptors: closed, negative, not numbers and too many are refused, and leave nothing', async () => {
    const dobby = new DobbyRunC({ runtime, root });
    // The pump thread stays once it has been used.
    await assert.rejects(dobby.create('a', '/tmp', { files: [9999], stderr: 'buffer' }));
    const before = snapshot();
    for (const [files, name, code] of [
      [[9999], 'TypeError', 'ERR_INVALID_ARG_VALUE'],
      [[0, 9999], 'TypeError', 'ERR_INVALID_ARG_VALUE'],
      [[-1], 'RangeError', 'ERR_OUT_OF_RANGE'],
      [[1.5], 'RangeError', 'ERR_OUT_OF_RANGE'],
      [['0'], 'TypeError', 'ERR_INVALID_ARG_TYPE'],
      [[null], 'TypeError', 'ERR_INVALID_ARG_TYPE'],
      [Array.from({ length: 129 }, () => 0), 'TypeError', 'ERR_INVALID_ARG_TYPE'],
      ['0', 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    ] as const)
      await assert.rejects(
        dobby.create('a', '/tmp', { files: files as never, stdout: 'pipe', stderr: 'buffer' }),
        { name, code },
      );
    for (const stdout of [
      'nope',
      9999,
      -1,
      {},
      { file: '' },
      { file: '/tmp/x', maxBytes: 0 },
      { file: '/tmp/x', keep: -1 },
    ])
      await assert.rejects(
        dobby.create('a', '/tmp', { stdout: stdout as never, stdin: 'pipe' }),
        { code: /^ERR_(INVALID_ARG|OUT_OF)/ },
        JSON.stringify(stdout),
      );
    await assert.rejects(dobby.create('a', '/tmp', { tty: true, stdout: 'pipe' }), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
    await assert.rejects(dobby.create('a', '/tmp', { tty: { cols: -1, rows: 2 } }), {
      code: 'ERR_OUT_OF_RANGE',
    });
    assert.deepEqual(await leftSince(before), []);
  });

  test('bundles: a missing, a directory, an empty and a broken config.json are named, and leave nothing', async () => {
    const dobby = new DobbyRunC({ runtime, root });
    // The runtime's image is read at the first operation, and kept.
    await dobby.list();
    const before = snapshot();
    const directory = temporaryDirectory('bundles');
    const make = (name: string, write: (file: string) => void): string => {
      const bundle = path.join(directory, name);
      mkdirSync(bundle);
      write(path.join(bundle, 'config.json'));
      return bundle;
    };
    for (const [bundle, words] of [
      [path.join(directory, 'nowhere'), /no such file/],
      [make('missing', () => {}), /no such file/],
      [make('directory', (file) => mkdirSync(file)), /directory/],
      [make('empty', (file) => writeFileSync(file, '')), /empty/],
      [make('broken', (file) => writeFileSync(file, '{"ociVersion": ')), /JSON/],
      [make('array', (file) => writeFileSync(file, '[]')), /object/],
    ] as const) {
      await assert.rejects(dobby.create('a', bundle), { code: 'ERR_INVALID_BUNDLE', message: words });
      await assert.rejects(dobby.create('a', '/tmp', { configPath: path.join(bundle, 'config.json') }), {
        code: 'ERR_INVALID_BUNDLE',
      });
    }
    for (const bundle of ['', 'a\0b', 7, null, undefined])
      await assert.rejects(dobby.create('a', bundle as never), TypeError);
    assert.deepEqual(
      (await leftSince(before)).filter((line) => !line.includes('dobby-bundles')),
      [],
    );
  });

  test('exec: commands, environments, users and capabilities are checked', async () => {
    const dobby = new DobbyRunC({ runtime, root });
    for (const command of [[], 'true', [1], ['a\0b'], null])
      await assert.rejects(dobby.exec('a', command as never), TypeError);
    for (const options of [
      { env: { A: 1 } },
      { env: { 'A=': 'x' } },
      { cwd: 'a\0' },
      { user: 'root' },
      { user: { uid: -1 } },
      { capabilities: ['NET_RAW'] },
      { timeoutMs: '1' },
      { signal: {} },
    ])
      await assert.rejects(dobby.exec('a', ['true'], options as never), TypeError, JSON.stringify(options));
    await assert.rejects(dobby.exec('a', ['true'], { timeoutMs: -5 }), RangeError);
  });

  test('signals: unknown names and numbers out of range are refused', async () => {
    const dobby = new DobbyRunC({ runtime, root });
    await assert.rejects(dobby.killCont('a', 'SIGNOPE' as never), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
    });
    for (const signal of [0, 65, -1, 1.5, Number.NaN])
      await assert.rejects(dobby.killCont('a', signal), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  });

  test('an AbortSignal that is aborted already rejects with ERR_ABORTED and its reason as the cause', async () => {
    const dobby = new DobbyRunC({ runtime, root });
    const reason = new Error('why');
    await assert.rejects(dobby.start('a', { signal: AbortSignal.abort(reason) }), {
      code: 'ERR_ABORTED',
      cause: reason,
    });
  });

  test('after it is disposed it refuses calls', async () => {
    const dobby = new DobbyRunC({ runtime, root });
    await dobby[Symbol.asyncDispose]();
    await assert.rejects(dobby.list(), { code: 'ERR_ABORTED' });
    await assert.rejects(dobby.state('a'), { code: 'ERR_ABORTED' });
  });
});
