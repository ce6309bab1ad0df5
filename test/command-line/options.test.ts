import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { DobbyRunC } from '../../src/index';
import { runDirectory } from '../../src/system/run-directory';
import { temporaryDirectory } from '../helpers/temporary';

// No runtime is started by any of these: they are refused before.
const runtime = '/bin/true';
const root = path.join(temporaryDirectory('options'), 'root');

type Call = (dobby: DobbyRunC, o: object) => unknown;

const calls: ReadonlyArray<[string, Call, string, string]> = [
  [
    'the constructor',
    (_, o) => new DobbyRunC({ runtime, ...o }),
    'maxConcurentCreates',
    'maxConcurrentCreates',
  ],
  ['the constructor', (_, o) => new DobbyRunC({ runtime, stop: o }), 'gracems', 'graceMs'],
  ['create', (dobby, o) => dobby.create('x', '/tmp', o), 'timeout', 'timeoutMs'],
  ['run', (dobby, o) => dobby.run('x', '/tmp', o), 'stdOut', 'stdout'],
  ['create, its terminal', (dobby, o) => dobby.create('x', '/tmp', { tty: o as never }), 'columns', ''],
  ['exec', (dobby, o) => dobby.exec('x', ['true'], o), 'capabilites', 'capabilities'],
  [
    'exec, its user',
    (dobby, o) => dobby.exec('x', ['true'], { user: { uid: 1, ...o } }),
    'additionalGid',
    'additionalGids',
  ],
  ['start', (dobby, o) => dobby.start('x', o), 'timeoutMS', 'timeoutMs'],
  ['killCont', (dobby, o) => dobby.killCont('x', 'SIGTERM', o), 'al', 'all'],
  ['pause', (dobby, o) => dobby.pause('x', o), 'timeoutMs_', 'timeoutMs'],
  ['resume', (dobby, o) => dobby.resume('x', o), 'sinal', 'signal'],
  ['state', (dobby, o) => dobby.state('x', o), 'signals', 'signal'],
  ['inspect', (dobby, o) => dobby.inspect('x', o), 'signals', 'signal'],
  ['list', (dobby, o) => dobby.list(o), 'signals', 'signal'],
  ['leftovers', (dobby, o) => dobby.leftovers(o), 'signals', 'signal'],
  ['destroy', (dobby, o) => dobby.destroy('x', o), 'Force', 'force'],
  ['stop', (dobby, o) => dobby.stop('x', o), 'graceMS', 'graceMs'],
  ['wait', (dobby, o) => dobby.wait('x', o), 'timeout', 'timeoutMs'],
  ['adopt', (dobby, o) => dobby.adopt('x', o), 'timeout', 'timeoutMs'],
  ['adoptExecs', (dobby, o) => dobby.adoptExecs('x', o), 'timeout', 'timeoutMs'],
];

describe('options', () => {
  for (const [what, call, wrong, right] of calls)
    test(`${what}: '${wrong}' is refused${right === '' ? '' : ` and '${right}' suggested`}`, async () => {
      const dobby = new DobbyRunC({ runtime, root });
      await assert.rejects(
        async () => call(dobby, { [wrong]: 1 }),
        (error: Error & { code?: string }) => {
          assert.ok(error instanceof TypeError, String(error));
          assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
          assert.match(error.message, new RegExp(`'${wrong}'`));
          if (right !== '') assert.match(error.message, new RegExp(`did you mean '${right}'`));
          return true;
        },
      );
    });

  test('what is undefined is as not given', async () => {
    const dobby = new DobbyRunC({ runtime, root, tomorrow: undefined } as object);
    assert.deepEqual(await dobby.list({ timeoutMs: undefined }), []);
  });

  test('a relative bundle is the one of the call, wherever the process is when its turn comes', async () => {
    const directory = temporaryDirectory('relative');
    mkdirSync(path.join(directory, 'bundle'));
    writeFileSync(path.join(directory, 'bundle/config.json'), '{}');
    const dobby = new DobbyRunC({ runtime, root, maxConcurrentCreates: 1 });
    const before = process.cwd();
    process.chdir(directory);
    try {
      const creating = dobby.create('x', 'bundle', { pidFile: 'pid' });
      process.chdir('/');
      await assert.rejects(creating, {
        code: 'ERR_INVALID_BUNDLE',
        message: new RegExp(`bundle ${directory}/bundle: config.json: .*missing`),
      });
    } finally {
      process.chdir(before);
    }
  });

  test('XDG_RUNTIME_DIR that is empty or relative is as unset', () => {
    const { geteuid } = process;
    const before = process.env.XDG_RUNTIME_DIR;
    process.geteuid = () => 1234;
    try {
      delete process.env.XDG_RUNTIME_DIR;
      const unset = runDirectory();
      for (const [value, directory] of [
        ['', unset],
        ['run/user', unset],
        ['/run/user/1234', '/run/user/1234/dobby-runc'],
      ] as const) {
        process.env.XDG_RUNTIME_DIR = value;
        assert.equal(runDirectory(), directory);
      }
    } finally {
      if (geteuid) process.geteuid = geteuid;
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
      else process.env.XDG_RUNTIME_DIR = before;
    }
  });
});
