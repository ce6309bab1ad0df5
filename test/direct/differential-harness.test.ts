import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { removeByHand } from '../../src/proof/differential/damage';
import { initState } from '../../src/proof/differential/observe';
import { needsRuntime } from '../helpers/environment';
import { DirectFixture, until, valueIn } from './fixture';

const kTimes = 20;

describe('what the differential test does to its containers', { skip: needsRuntime() }, () => {
  const fixture = new DirectFixture();

  it('removeByHand ends a frozen program without letting it run on', async () => {
    const ran: string[] = [];
    for (let time = 0; time < kTimes; time++) {
      const id = `frozen-${time}`;
      const twin = await fixture.run(id);
      valueIn(await fixture.direct.pause(id));
      process.kill(twin.init?.pid ?? 0, 'SIGUSR1');
      removeByHand(twin);
      await until(() => /^(zombie|gone)/.test(initState(twin.init)));
      if (existsSync(`${twin.directory}/log/signals`)) ran.push(id);
    }
    assert.deepEqual(ran, []);
  });
});
