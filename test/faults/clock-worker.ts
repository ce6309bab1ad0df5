// Runs in a process with native/fault/inject.c preloaded: the wall clock jumps while operations are under way.
import assert from 'node:assert/strict';
import { type ExitStatus, RuntimeError } from '../../src/index';
import { newBundle, newDobby, newId, runShell, warmUp } from '../helpers/containers';
import { Injection } from './injection';

const day = 86_400;

async function main(): Promise<void> {
  const injection = new Injection(process.env.DOBBY_INJECT as string);
  const dobby = newDobby();
  await warmUp(dobby);
  const real = Date.now();
  for (const offset of [3650 * day, -3650 * day, 1, 0]) {
    const creating = dobby.create(newId(), await newBundle(['/bin/sleep', '1000']), { timeoutMs: 10_000 });
    injection.setClockOffset(offset);
    const created = await creating;
    assert.ok(Math.abs(Date.now() - real - offset * 1000) < 600_000, 'the clock has jumped');
    await created.start();
    const startMs = performance.now();
    const waiting = dobby.wait(created.containerId, { timeoutMs: 200 });
    injection.setClockOffset(-offset);
    await assert.rejects(waiting, (error) => error instanceof RuntimeError && error.code === 'ERR_TIMEOUT');
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
    const stubborn = await runShell(dobby, script, { stdout: 'pipe' });
    await new Promise((resolve) => stubborn.stdout?.once('data', resolve));
    stubborn.stdout?.resume();
    const stopping = stubborn.stop({ graceMs: 100 });
    injection.setClockOffset(offset);
    const status: ExitStatus = await stopping;
    assert.equal(status.signal, 'SIGKILL');
    assert.ok(performance.now() - startMs < 10_000);
    await stubborn.destroy();
    const process = await created.exec(['/bin/true'], { timeoutMs: 10_000 });
    assert.equal((await process.exited).code, 0);
    assert.equal((await dobby.list()).length, 1);
    await created.destroy({ force: true });
  }
  await dobby[Symbol.asyncDispose]();
  injection.close();
}

void main();
