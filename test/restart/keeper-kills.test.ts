import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { needsRuntime } from '../helpers/environment';
import { leftSince, snapshot } from '../helpers/leaks';
import { temporaryDirectory } from '../helpers/temporary';
import type { KeptReport } from './kept-successor';
import { existing, killAfter, reportOf } from './processes';

// 200 on demand: DOBBY_KILLS=200 npm test -- test/restart/keeper-kills.test.ts
const kills = Number(process.env.DOBBY_KILLS ?? 5);
const longestLifeMs = 1200;

describe('a killed Node process with keepers', { skip: needsRuntime() }, () => {
  test(`${kills} kills: every exit status and every byte of output is accounted for`, async (t) => {
    const clean = snapshot();
    const total: KeptReport = {
      started: 0,
      toldBefore: 0,
      toldAfter: {},
      endedWithInit: 0,
      outputBytes: 0,
      faults: [],
    };
    for (let kill = 0; kill < kills; kill++) {
      const place = temporaryDirectory('keeper');
      const [root, journal, output] = ['root', 'journal', 'output'].map((name) => path.join(place, name)) as [
        string,
        string,
        string,
      ];
      mkdirSync(output);
      writeFileSync(journal, '');
      await killAfter(longestLifeMs * Math.random(), 'kept-workload.js', [
        root,
        journal,
        output,
        String(kill),
      ]);
      // Half of the time what runs ends before anybody comes.
      if (kill % 2 === 1) await new Promise((resolve) => setTimeout(resolve, 800));
      const report = await reportOf<KeptReport>('kept-successor.js', [root, journal, output]);
      const left = await leftSince(clean, { isExpected: (line) => line.startsWith('temporaryFiles: ') });
      assert.deepEqual({ kill, faults: report.faults, left }, { kill, faults: [], left: [] });
      assert.deepEqual(existing('/run/dobby-runc/kept'), [], 'records');
      for (const name of ['started', 'toldBefore', 'endedWithInit', 'outputBytes'] as const)
        total[name] += report[name];
      for (const [source, count] of Object.entries(report.toldAfter))
        total.toldAfter[source] = (total.toldAfter[source] ?? 0) + count;
    }
    t.diagnostic(JSON.stringify(total));
    const toldAfter = Object.values(total.toldAfter).reduce((sum, count) => sum + count, 0);
    assert.equal(total.toldBefore + toldAfter, total.started);
    assert.equal(total.toldAfter.unobserved ?? 0, 0);
    assert.ok(total.endedWithInit * 10 < total.started, JSON.stringify(total));
  });
});
