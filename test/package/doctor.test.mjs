import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { cgroupEnv, project, run } from './project.mjs';

const nobody = 65534;
const machine = spawnSync(cgroupEnv, ['--check'], { encoding: 'utf8' }).stdout.trim();

describe('dobby-runc doctor', () => {
  const directory = project('doctor');
  const program = path.join(directory, 'node_modules/.bin/dobby-runc');

  /** What it says in a view of the cgroups. */
  function ask(view, { uid, env = {}, args = ['--json'] } = {}) {
    const asUser = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const command = [...asUser, process.execPath, program, 'doctor', ...args];
    const [first, ...rest] = view === 'as it is' ? command : [cgroupEnv, view, ...command];
    const { status, stdout, stderr } = run(directory, first, rest, {
      env: uid === undefined ? env : { ...env, XDG_RUNTIME_DIR: '/tmp' },
    });
    assert.equal(stderr, '');
    return { status, text: stdout, ...(args.includes('--json') ? JSON.parse(stdout) : {}) };
  }
  const found = (told, what) => told.findings.find((finding) => finding.what === what);

  for (const [view, uid] of [['v1'], ['v1', nobody], ['v2'], ['v2', nobody]])
    it(`is true in the view of cgroup ${view} as ${uid === undefined ? 'root' : 'an ordinary user'}`, () => {
      const told = ask(view, { uid });
      assert.equal(told.cgroups, view);
      assert.equal(told.user, uid ?? 'root');
      assert.equal(told.works, true, told.text);
      assert.equal(told.status, 0);
      assert.equal(found(told, 'node').grade, 'good');
      assert.equal(found(told, 'runc').grade, 'good', told.text);
      assert.match(found(told, 'runc').found, /a container ran; direct: state/);
    });

  it("names a hybrid machine's trouble and the cure", {
    skip: machine === 'hybrid' ? false : `it is ${machine}`,
  }, () => {
    const told = ask('as it is');
    assert.equal(told.cgroups, 'hybrid');
    const cgroups = found(told, 'cgroups');
    if (cgroups.grade === 'good') return;
    assert.match(cgroups.cure, /scripts\/cgroup-env auto node/);
    assert.equal(found(told, 'crun').grade, 'lack');
    assert.match(found(told, 'crun').cost, /hybrid/);
    assert.equal(found(told, 'crun').cure, "see 'cgroups'");
  });

  it('ends with 1 without a runtime, and says what to install', () => {
    const told = ask('as it is', { env: { PATH: '/nowhere' } });
    assert.equal(told.status, 1);
    assert.equal(told.works, false);
    assert.equal(found(told, 'runtimes').cure, 'sudo apt-get install crun');
  });

  it('prints no colour but to a terminal, and lines of its width', () => {
    const { text } = ask('v1', { args: [] });
    assert.ok(!text.includes('\x1b'));
    assert.match(text, /Containers run here\./);
    for (const columns of [80, 200]) {
      const inTerminal = `stty cols ${columns}; exec ${process.execPath} ${program} doctor`;
      const { stdout } = spawnSync('script', ['-qec', inTerminal, '/dev/null'], {
        encoding: 'utf8',
        input: '',
      });
      assert.ok(stdout.includes('\x1b[32mok'), stdout);
      const lines = stripVTControlCharacters(stdout).split('\r\n');
      // A path or a word that is longer stays whole, to be copied.
      for (const line of lines) assert.ok(line.length <= columns || !line.trim().includes('  '), line);
    }
  });
});
