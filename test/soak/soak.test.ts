import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cgroup, kind, needsRuntime } from '../helpers/environment';
import { medianOf } from './samples';
import { soak } from './soak';

const seconds = Number(process.env.DOBBY_SOAK_SECONDS ?? 20);
const containers = 50;

// One row is enough: what it is about is the bookkeeping.
if (kind === 'crun' && cgroup === 'v1')
  describe('soak', { skip: needsRuntime() }, () => {
    test(`${seconds} s of mixed operations on ${containers} containers: the books balance and nothing is left`, async (t) => {
      const result = await soak({ cycles: Number.POSITIVE_INFINITY, seconds, containers, sampleMs: 500 });
      const { ledger, samples, left } = result;
      t.diagnostic(JSON.stringify({ ...ledger.summary(), cycles: result.cycles }));
      assert.deepEqual(ledger.faults, []);
      assert.deepEqual(left, []);
      assert.equal(ledger.exits, ledger.starts);
      assert.equal(ledger.rightStatuses, ledger.starts);
      assert.equal(result.exitEvents, result.cycles);
      assert.ok(ledger.oomKills > 0 && result.cycles > containers, JSON.stringify(ledger.summary()));
      // Containers being made hold a few descriptors each; what piled up would show in the second half.
      const early = medianOf(samples, 'descriptors', 0.2, 0.6);
      const late = medianOf(samples, 'descriptors', 0.6, 1);
      assert.ok(late <= early * 1.5 + 20, `descriptors: ${early}, then ${late}`);
    });
  });
