import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OperationEvent } from '../../src/index';
import { newBundle, newId } from '../helpers/containers';
import { kind, needsRuntime, version } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';

const isNewRunc = kind === 'runc' && !version.startsWith('1.1.');

describe('what the runtime warned of though it did it', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite();

  test('a poststop hook that fails is told with the destroy', async () => {
    const events: OperationEvent[] = [];
    const listener = (event: OperationEvent): void => void events.push(event);
    dobby.on('operation', listener);
    const id = newId('warned');
    const container = await dobby.create(
      id,
      await newBundle(['/bin/true'], {
        hooks: { poststop: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 3'] }] },
      }),
    );
    const destroyed = container.destroy({ force: true });
    // runc 1.2 and later take it for a failure of the delete, which is done all the same.
    if (isNewRunc) await assert.rejects(destroyed, { code: 'ERR_HOOK_FAILED' });
    else await destroyed;
    dobby.off('operation', listener);
    // crun 1.8 and 1.21 say nothing of it.
    if (isNewRunc || (kind === 'crun' && /^1\.(8|21)\b/.test(version))) return;
    const told = events.find(({ op }) => op === 'destroy');
    assert.match((told?.warnings ?? []).join('; '), /hook/);
    assert.equal(events.find(({ op }) => op === 'create')?.warnings, undefined);
    assert.equal(await dobby.state(id), 'unknown');
  });
});
