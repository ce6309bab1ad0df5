import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { RuntimeError } from '../../src/index';
import { kind, needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { failureCases, Made, outcomeOf } from './failure-cases';
import { normalize, readTable, rowsOf, writeRow } from './failure-table';

const kRow = process.env.DOBBY_TEST_ROW ?? '';
const isMaking = process.env.DOBBY_TEST_MAKE === '1';

describe('what the runtime says when it fails', { skip: needsRuntime() }, () => {
  const dobby = dobbyForSuite({ direct: 'off', stop: { graceMs: 0 } });
  const said = new Map<string, string>();
  const table = readTable();
  const isKnownRow = Object.values(table).some((words) =>
    Object.values(words).flatMap(rowsOf).includes(kRow),
  );

  after(() => {
    if (isMaking) writeRow(kRow, said);
  });

  for (const each of failureCases) {
    test(each.name, async () => {
      const made = new Made(dobby);
      let error: unknown;
      try {
        await each.run(dobby, made);
      } catch (thrown) {
        error = thrown;
      } finally {
        await made.removeAll();
      }
      const outcome = outcomeOf(each, kind);
      if (outcome === 'succeeds') {
        assert.equal(error, undefined);
        return;
      }
      assert.ok(error instanceof RuntimeError, `no RuntimeError: ${String(error)}`);
      const words = normalize(error.message, { ids: made.ids, root: dobby.getWorkingDir() });
      said.set(each.name, words);
      assert.equal(error.code, outcome, words);
      assert.match(words, /: .*\p{L}{2}/u);
      if (isKnownRow && !isMaking) {
        const rows = rowsOf(table[each.name]?.[words]);
        assert.ok(rows.includes(kRow), `not in the table of ${kRow}, made by npm test -- --make: ${words}`);
      }
    });
  }
});
