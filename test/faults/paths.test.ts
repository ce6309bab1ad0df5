import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { RuntimeError } from '../../src/index';
import { newBundle, newDobby, newId } from '../helpers/containers';
import { kind, needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';
import { perform, type Scene, steps } from './operations';
import { StandIn } from './stand-in';

const nobody = 65534;

describe('paths that somebody else has a hand in', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  const ids = ['../up', '..', '.', 'a/b', '/abs', 'a\0b', '', 'a\nb', 'x'.repeat(2000)];
  for (const id of ids)
    test(`the id ${JSON.stringify(id.slice(0, 20))} is refused by every operation before anything is done`, async () => {
      const scene: Scene = {
        id,
        bundle: await newBundle(['/bin/true']),
        isTerminal: false,
        container: null,
        process: null,
      };
      for (const step of steps.filter((each) => each !== 'list'))
        await assert.rejects(perform(dobby, step, scene), { code: 'ERR_INVALID_ID' }, step);
    });

  test('the root of another user is refused by every operation', async () => {
    const root = path.join(temporaryDirectory('root'), 'state');
    mkdirSync(root, { mode: 0o700 });
    chownSync(root, nobody, nobody);
    await refusesAll(root);
  });

  test('a root that everybody can write in is refused by every operation', async () => {
    const root = path.join(temporaryDirectory('root'), 'state');
    mkdirSync(root);
    chmodSync(root, 0o777);
    await refusesAll(root);
  });

  test('a root in a directory that everybody can write in is refused: it could be exchanged', async () => {
    const parent = temporaryDirectory('root');
    chmodSync(parent, 0o777);
    mkdirSync(path.join(parent, 'state'), { mode: 0o700 });
    await refusesAll(path.join(parent, 'state'));
    chmodSync(parent, 0o1777);
    const sticky = newDobby({ root: path.join(parent, 'state') });
    assert.deepEqual(await sticky.list(), []);
    await sticky[Symbol.asyncDispose]();
  });

  test('a root that is a symlink is refused', async () => {
    const parent = temporaryDirectory('root');
    mkdirSync(path.join(parent, 'elsewhere'), { mode: 0o700 });
    symlinkSync('elsewhere', path.join(parent, 'state'));
    await refusesAll(path.join(parent, 'state'));
  });

  test('the root that is made is for its owner alone, and so is everything a call puts below /run', async () => {
    const standIn = new StandIn();
    const slow = standIn.dobby();
    standIn.script('create hang');
    const abort = new AbortController();
    const creating = slow.create(newId(), await newBundle(['/bin/true']), { signal: abort.signal });
    creating.catch(() => {});
    const calls = (): string[] =>
      readdirSync('/run/dobby-runc').filter((name) => name.startsWith(`call-${process.pid}-`));
    for (let turn = 0; turn < 500 && calls().length === 0; turn++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(calls().length, 1);
    for (const directory of [
      standIn.root,
      '/run/dobby-runc',
      ...calls().map((name) => `/run/dobby-runc/${name}`),
    ])
      assert.equal(lstatSync(directory).mode & 0o777, 0o700, directory);
    abort.abort();
    await assert.rejects(creating, { code: 'ERR_ABORTED' });
    assert.equal(calls().length, 0);
    await slow[Symbol.asyncDispose]();
  });

  test('a root that is removed between two creates is made again, for its owner alone', async () => {
    const root = path.join(temporaryDirectory('root'), 'state');
    const own = newDobby({ root });
    for (let i = 0; i < 2; i++) {
      const container = await own.create(newId(), await newBundle(['/bin/true']));
      assert.equal(lstatSync(root).mode & 0o777, 0o700);
      await container.destroy({ force: true });
      rmSync(root, { recursive: true });
    }
    await own[Symbol.asyncDispose]();
  });

  test('a run directory that is removed between two calls is made again, for its owner alone', () => {
    const workspace = JSON.stringify(require.resolve('../../src/command-line/call-directory'));
    const script = `
      const fs = require('node:fs');
      const { CallDirectory } = require(${workspace});
      for (let i = 0; i < 2; i++) {
        const directory = new CallDirectory();
        console.log(fs.existsSync(directory.path), (fs.lstatSync('/run/dobby-runc').mode & 0o777).toString(8));
        directory.remove();
        fs.rmdirSync('/run/dobby-runc');
      }`;
    const inOwnRun = [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      'mount -t tmpfs run /run && exec "$@"',
    ];
    const output = execFileSync('unshare', [...inOwnRun, 'sh', process.execPath, '-e', script], {
      encoding: 'utf8',
    });
    assert.equal(output, 'true 700\ntrue 700\n');
  });

  test('a symlink where the pid file is to be is replaced, and what it points to is left alone', async () => {
    const directory = temporaryDirectory('pid');
    const victim = path.join(directory, 'victim');
    writeFileSync(victim, 'as it was');
    for (const target of ['victim', '/nonexistent/x']) {
      const pidFile = path.join(directory, `pid-${path.basename(target)}`);
      symlinkSync(target, pidFile);
      symlinkSync(target, `${pidFile}.${process.pid}.tmp`);
      const container = await dobby.create(newId(), await newBundle(['/bin/true']), { pidFile });
      assert.equal(readFileSync(pidFile, 'utf8'), String(container.pid));
      assert.ok(lstatSync(pidFile).isFile());
      await container.destroy({ force: true });
    }
    assert.equal(readFileSync(victim, 'utf8'), 'as it was');
  });

  test('a pid file that can’t be written: the container is removed again', async () => {
    const id = newId();
    const creating = dobby.create(id, await newBundle(['/bin/true']), { pidFile: '/nonexistent/pid' });
    await assert.rejects(creating, (error) => error instanceof RuntimeError && error.containerId === id);
    assert.equal(await dobby.state(id), 'unknown');
  });

  test('a bundle that is gone, or changed for another between check and use, makes no container', async () => {
    const standIn = new StandIn();
    const slow = standIn.dobby();
    const id = newId();
    for (const how of ['gone', 'dangling symlink'] as const) {
      const bundle = await newBundle(['/bin/true']);
      const away = path.join(temporaryDirectory('away'), 'bundle');
      // The stand-in gives us the time between the check and the use.
      const flag = path.join(temporaryDirectory('flag'), 'go');
      standIn.script(`create wait:${flag} real`);
      const creating = slow.create(id, bundle, { timeoutMs: 10_000 });
      creating.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
      renameSync(bundle.path, away);
      if (how === 'dangling symlink') symlinkSync('/nonexistent', bundle.path);
      writeFileSync(flag, '');
      await assert.rejects(creating, { code: 'ERR_INVALID_BUNDLE' }, how);
      standIn.restore();
      assert.equal(await slow.state(id), 'unknown');
    }
    await slow[Symbol.asyncDispose]();
  });

  test('a bundle deleted under a running container: everything but its files goes on', async () => {
    const bundle = await newBundle(['/bin/sleep', '1000']);
    const container = await dobby.run(newId(), bundle);
    execFileSync('rm', ['-rf', bundle.path]);
    assert.equal(await dobby.state(container.containerId), 'running');
    // Its config.json has the process on runc.
    if (kind === 'crun') assert.equal((await (await container.exec(['/bin/true'])).exited).code, 0);
    else await assert.rejects(container.exec(['/bin/true']), { code: 'ERR_INVALID_BUNDLE' });
    await container.pause();
    await container.resume();
    await container.destroy({ force: true });
  });

  test('another user’s process: roots of root’s are refused, and a directory in /tmp that waits for it too', () => {
    const temporary = temporaryDirectory('tmp');
    chmodSync(temporary, 0o1777);
    // What an attacker has made for the victim: his own, open for all.
    mkdirSync(path.join(temporary, `run-${nobody}`), { mode: 0o777 });
    chmodSync(path.join(temporary, `run-${nobody}`), 0o777);
    chownSync(path.join(temporary, `run-${nobody}`), 1, 1);
    const bundle = temporaryDirectory('bundle');
    const config = {
      ociVersion: '1.0.2',
      root: { path: '/' },
      process: { cwd: '/', args: ['/bin/true'] },
      linux: {},
    };
    writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(config));
    const root = temporaryDirectory('root');
    mkdirSync(path.join(root, 'state'), { mode: 0o700 });
    const script = `
      const { DobbyRunC } = require(${JSON.stringify(path.join(__dirname, '../../src/index.js'))});
      const told = [];
      const tell = (promise) => promise.then(() => told.push('done'), (error) => told.push(error.code));
      (async () => {
        const his = new DobbyRunC({ runtime: ${JSON.stringify(runtime)}, root: ${JSON.stringify(path.join(root, 'state'))} });
        await tell(his.list());
        const own = new DobbyRunC({ runtime: ${JSON.stringify(runtime)} });
        await tell(own.create('c', ${JSON.stringify(bundle)}));
        console.log(JSON.stringify(told));
      })();`;
    const { stdout, stderr } = spawnSync(
      'setpriv',
      [
        '--reuid',
        String(nobody),
        '--regid',
        String(nobody),
        '--clear-groups',
        process.execPath,
        '-e',
        script,
      ],
      { encoding: 'utf8', env: { PATH: process.env.PATH, TMPDIR: temporary } },
    );
    assert.equal(stdout.trim(), '["ERR_PERMISSION","ERR_PERMISSION"]', stderr);
    assert.ok(!existsSync(path.join(temporary, `run-${nobody}`, 'dobby-runc', 'crun', 'c')));
  });
});

async function refusesAll(root: string): Promise<void> {
  for (const direct of ['auto', 'off'] as const) {
    const dobby = newDobby({ root, direct });
    const bundle = await newBundle(['/bin/true']);
    const scene: Scene = { id: newId(), bundle, isTerminal: false, container: null, process: null };
    for (const step of steps)
      await assert.rejects(
        perform(dobby, step, scene),
        { code: 'ERR_PERMISSION' },
        `${step}, direct: ${direct}`,
      );
    await dobby[Symbol.asyncDispose]();
  }
}
