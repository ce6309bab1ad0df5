import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { runShell, until } from '../helpers/containers';
import { needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

// Ends by itself on SIGTERM, and says so.
const politely = 'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.05; done';

describe('stop of a paused container', { skip: needsRuntime() }, () => {
  const ids: string[] = [];
  after(async () => {
    for (const id of ids) await dobby.destroy(id, { force: true }).catch(() => {});
  });
  const dobby = dobbyForSuite();

  async function paused() {
    const container = await runShell(dobby, politely, { stdout: 'pipe' });
    ids.push(container.containerId);
    let said = '';
    container.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until(() => said.includes('ready'));
    await container.pause();
    return { container, said: () => said };
  }

  test('it is thawed after the signal and ends by itself', async () => {
    const { container, said } = await paused();
    const { code, escalated } = await container.stop({ graceMs: 20_000 });
    assert.deepEqual({ code, escalated }, { code: 7, escalated: false });
    assert.match(said(), /bye/);
    await container.destroy();
  });

  test('keepFrozen: it never gets to act on the signal, and ends by SIGKILL', async () => {
    const { container, said } = await paused();
    const { signal, escalated } = await container.stop({ graceMs: 300, keepFrozen: true });
    assert.deepEqual({ signal, escalated }, { signal: 'SIGKILL', escalated: true });
    assert.equal(said(), 'ready\n');
    await container.destroy();
  });

  test('a time limit holds, and what is stopped later ends', async () => {
    const { container } = await paused();
    await assert.rejects(container.stop({ graceMs: 20_000, keepFrozen: true, timeoutMs: 100 }), {
      code: 'ERR_TIMEOUT',
    });
    const { code } = await container.stop({ graceMs: 20_000 });
    assert.equal(code, 7);
    await container.destroy();
  });
});
