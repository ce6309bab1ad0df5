import assert from 'node:assert/strict';
import { describe } from 'node:test';
import * as fc from 'fast-check';
import { parseIntent } from '../../src/command-line/call-directory';
import { parsePid } from '../../src/command-line/pid-file';
import { parseRecord } from '../../src/keeper/record';
import { holds } from './property';
import { damaged, fileOf, oddlyFilled } from './texts';

// What this package and its keeper write, and a pid file: another process may have died in the middle of it.

const kIntent = { root: '/run/crun', id: 'a', cgroupsPath: '/a', ownsCgroup: true };

describe('files of any content', () => {
  holds(
    'keeper record: null, or whole numbers and an end as wait(2) has it',
    damaged(fc.constant('12 34 567890 3 12\n256 1700000000000\n')),
    (text) => {
      const record = parseRecord(text);
      if (record === null) return;
      for (const number of [record.keeperPid, record.pid, record.startTicks, ...record.held.values()])
        assert.ok(Number.isInteger(number) && number >= 0, `${number}`);
      assert.ok(record.held.size <= 2);
      const { status } = record;
      if (status === null) return;
      assert.ok(status.code === null || (status.code >= 0 && status.code <= 255), `${status.code}`);
      assert.ok(status.signal === null || status.code === null);
      assert.equal(status.source, 'keeper');
      assert.ok(!Number.isNaN(status.at.getTime()));
    },
    ['1 2 3 4 -\n', '1 2 3 4 12\n99999999999999999999 99999999999999999999\n'],
  );

  holds(
    'intent of a create: null, or a root and an id that are texts',
    fileOf(oddlyFilled(kIntent)),
    (text) => {
      const intent = parseIntent(text);
      if (intent === null) return;
      assert.equal(typeof intent.root, 'string');
      assert.equal(typeof intent.id, 'string');
      assert.equal(typeof intent.ownsCgroup, 'boolean');
      assert.ok(intent.cgroupsPath === undefined || typeof intent.cgroupsPath === 'string');
    },
    ['null', '[]', '{"root":1,"id":"a"}'],
  );

  holds(
    "pid file: null, or a pid that is nobody's init and fits",
    fc.oneof(
      damaged(fc.constant('12345\n')),
      fc.integer().map(String),
      fc.bigInt().map(String),
      fc.double().map(String),
    ),
    (text) => {
      const pid = parsePid(text);
      if (pid === null) return;
      assert.ok(Number.isInteger(pid) && pid > 1 && pid <= 0x7fffffff, `${pid}`);
      assert.equal(Number(text), pid);
    },
    ['1', '0', '-5', '2147483648', '0x10', '1e3', ' 7 '],
  );
});
