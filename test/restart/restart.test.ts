import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { Bundle } from '../../src/index';
import { native } from '../../src/native';
import { needsRuntime } from '../helpers/environment';
import { leftSince, snapshot } from '../helpers/leaks';
import { sharedRootfs } from '../helpers/rootfs';
import { temporaryDirectory } from '../helpers/temporary';
import { abandonedCalls, existing, killAfter, reportOf } from './processes';
import type { Report } from './successor';

// 200 on demand: DOBBY_KILLS=200 npm test -- test/restart
const kills = Number(process.env.DOBBY_KILLS ?? 15);
const longestLifeMs = 700;
const ticker = 'i=0; while :; do echo $i; i=$((i+1)); usleep 5000; done';

describe('a killed Node process', { skip: needsRuntime() }, () => {
  const bundles = temporaryDirectory('bundles');

  before(async () => {
    const directory = path.join(bundles, 'ticker');
    mkdirSync(directory);
    await Bundle.create(directory, { rootfs: sharedRootfs(), args: ['/bin/sh', '-c', ticker] });
  });

  test(`${kills} kills at random moments: what ran runs on, the next process finds and removes all`, async (t) => {
    const total: Report = newReport();
    const clean = snapshot();
    for (let kill = 0; kill < kills; kill++) {
      const place = temporaryDirectory('restart');
      const [root, journal, output] = ['root', 'journal', 'output'].map((name) => path.join(place, name)) as [
        string,
        string,
        string,
      ];
      mkdirSync(output);
      writeFileSync(journal, '');
      await killAfter(longestLifeMs * Math.random(), 'workload.js', [root, bundles, journal, output]);
      const report = await reportOf<Report>('successor.js', [root, journal, output]);
      const left = await leftSince(clean, { isExpected: (line) => line.startsWith('temporaryFiles: ') });
      assert.deepEqual({ kill, faults: report.faults, left }, { kill, faults: [], left: [] });
      // crun 1.28 keeps an empty directory of its own there, which no id can be called like.
      assert.deepEqual(
        existing(root).filter((name) => !name.startsWith('.')),
        [],
        'state directories',
      );
      assert.deepEqual(abandonedCalls(), []);
      add(total, report);
    }
    t.diagnostic(JSON.stringify(total));
    assert.ok(total.adopted > 0 && total.filesGrown > 0 && total.pipesContinued > 0, JSON.stringify(total));
    // Only those that had ended before anybody could watch them.
    const unseen = native.hasPidfdExitInfo() === 1 ? (total.statuses.stopped ?? 0) : Number.POSITIVE_INFINITY;
    assert.ok((total.exits.unobserved ?? 0) <= unseen, JSON.stringify(total));
  });
});

function newReport(): Report {
  return { statuses: {}, adopted: 0, exits: {}, filesGrown: 0, pipesContinued: 0, leftovers: 0, faults: [] };
}

function add(total: Report, report: Report): void {
  for (const name of ['adopted', 'filesGrown', 'pipesContinued', 'leftovers'] as const)
    total[name] += report[name];
  for (const name of ['statuses', 'exits'] as const)
    for (const [key, value] of Object.entries(report[name]))
      total[name][key] = (total[name][key] ?? 0) + value;
}
