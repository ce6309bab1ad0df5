import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DirectOperations } from '../../src/direct/operations';
import { freezerFile, initState } from '../../src/proof/differential/observe';
import { Deadline } from '../../src/runtime/deadline';
import { cgroup, kind, needsRuntime } from '../helpers/environment';
import {
  cgroupsOf,
  DirectFixture,
  kOptions,
  kStateFile,
  until,
  untilStarted,
  valueIn,
  whyNot,
} from './fixture';

describe('direct verbs', { skip: needsRuntime() }, () => {
  const fixture = new DirectFixture();
  const { cli, direct, root } = fixture;

  it('start the program once, and leave a second start to the runtime', async () => {
    const twin = await fixture.run('once');
    assert.equal(existsSync(`${twin.stateDirectory}/exec.fifo`), false);
    assert.equal(readFileSync(`${twin.directory}/log/out`, 'utf8'), 'started\n');
    whyNot(await direct.start('once'));
  });

  it('do not start an init that has died', async () => {
    const twin = await fixture.create('dead');
    process.kill(twin.init?.pid ?? 0, 'SIGKILL');
    await until(() => initState(twin.init) !== 'alive');
    whyNot(await direct.start('dead'));
    assert.ok(existsSync(`${twin.stateDirectory}/exec.fifo`));
  });

  it('leave a start with NOTIFY_SOCKET or poststart hooks in it to the runtime', async () => {
    await fixture.create('notify');
    const notified = new DirectOperations({ ...kOptions, root, hasNotifySocket: true });
    assert.match(whyNot(await notified.start('notify')), /NOTIFY_SOCKET/);
    const twin = await fixture.create('poststart', { hasHooks: true, hasPoststartHook: true });
    const answer = await direct.start('poststart');
    // runc 1.1 runs them in create.
    if (kind === 'crun') assert.match(whyNot(answer), /poststart/);
    else valueIn(answer);
    assert.notEqual(initState(twin.init), 'gone');
  });

  it('start nothing when the call is aborted before', async () => {
    const twin = await fixture.create('aborted');
    const aborted = new Deadline('start', 'aborted', { signal: AbortSignal.abort(new Error('no')) });
    await assert.rejects(direct.start('aborted', aborted), { code: 'ERR_ABORTED' });
    assert.equal(valueIn(direct.state('aborted')).status, 'created');
    const { signal } = new AbortController();
    const deadline = new Deadline('start', 'aborted', { signal, timeoutMs: 5000 });
    valueIn(await direct.start('aborted', deadline));
    deadline.dispose();
    await untilStarted(twin);
  });

  it('end the wait for an init that does not go on, which starts when it does', async () => {
    const twin = await fixture.create('slow');
    const pid = twin.init?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await until(() => initState(twin.init) === 'stopped by a signal');
    const started = direct.start('slow', new Deadline('start', 'slow', { timeoutMs: 50 }));
    // crun's start does not wait for the init.
    if (kind === 'crun') valueIn(await started);
    else await assert.rejects(started, { code: 'ERR_TIMEOUT', op: 'start', containerId: 'slow' });
    process.kill(pid, 'SIGCONT');
    await untilStarted(twin);
    await until(() => !existsSync(`${twin.stateDirectory}/exec.fifo`));
    assert.equal(valueIn(direct.state('slow')).status, 'running');
  });

  it('send exactly the signal that was asked for', async () => {
    const twin = await fixture.run('signals');
    const log = `${twin.directory}/log/signals`;
    for (const [signal, name] of [
      [15, 'TERM'],
      [10, 'USR1'],
      [1, 'HUP'],
    ] as const) {
      valueIn(direct.kill('signals', signal, false));
      await until(() => existsSync(log) && readFileSync(log, 'utf8').endsWith(`${name}\n`));
    }
    assert.equal(readFileSync(log, 'utf8'), 'TERM\nUSR1\nHUP\n');
    for (const signal of [0, -1, 65, 1.5]) whyNot(direct.kill('signals', signal, false));
  });

  it('destroy a stopped container without a trace', async () => {
    const twin = await fixture.run('stopped', { program: 'exits' });
    await until(() => initState(twin.init) !== 'alive');
    assert.ok(cgroupsOf(twin).length > 0);
    valueIn(await direct.destroy('stopped', { force: false }));
    assert.deepEqual(cgroupsOf(twin), []);
    assert.equal(existsSync(twin.stateDirectory), false);
  });

  it('destroy a running, a paused and a created container by force', async () => {
    for (const status of ['running', 'paused', 'created']) {
      const id = `forced-${status}`;
      const twin = status === 'created' ? await fixture.create(id) : await fixture.run(id);
      if (status === 'paused') valueIn(await direct.pause(id));
      if (status !== 'created') assert.match(whyNot(await direct.destroy(id, { force: false })), /it is/);
      const deadline = new Deadline('destroy', id, { timeoutMs: 5000 });
      valueIn(await direct.destroy(id, { force: true }, deadline));
      deadline.dispose();
      assert.match(initState(twin.init), /zombie 9|gone/);
      assert.deepEqual(cgroupsOf(twin), []);
      assert.equal(existsSync(twin.stateDirectory), false);
    }
  });

  it('leave to the runtime what a clean-up would do besides', async () => {
    const hooked = await fixture.run('hooked', { hasHooks: true, hasPoststopHook: true });
    assert.match(whyNot(await direct.destroy('hooked', { force: true })), /poststop/);
    assert.ok(existsSync(`${hooked.stateDirectory}/${kStateFile}`));
    const shared = await fixture.run('shared', { sharesPidNamespace: true });
    assert.match(whyNot(await direct.destroy('shared', { force: true })), /pid namespace/);
    assert.equal(initState(shared.init), 'alive');
    const extra = await fixture.run('extra', { program: 'exits' });
    await until(() => initState(extra.init) !== 'alive');
    writeFileSync(`${extra.stateDirectory}/extra`, '');
    assert.match(whyNot(await direct.destroy('extra', { force: false })), /unknown entry 'extra'/);
    assert.ok(cgroupsOf(extra).length > 0);
    rmSync(`${extra.stateDirectory}/extra`);
    const nested = `${freezerFile(extra.cgroupsPath).replace(/\/[^/]*$/, '')}/nested`;
    mkdirSync(nested);
    assert.match(whyNot(await direct.destroy('extra', { force: false })), /in use/);
    assert.ok(existsSync(`${extra.stateDirectory}/${kStateFile}`));
    assert.equal((await cli.run('delete', 'extra')).code, 0);
    assert.deepEqual(cgroupsOf(extra), []);
  });

  it('kill all processes at once where that is one write', async () => {
    const twin = await fixture.run('all');
    const answer = direct.kill('all', 9, true);
    if (kind === 'crun' && cgroup === 'v2') {
      valueIn(answer);
      await until(() => initState(twin.init) !== 'alive');
    } else {
      assert.match(whyNot(answer), /all processes/);
    }
    whyNot(direct.kill('all', 15, true));
  });
});
