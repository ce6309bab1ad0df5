import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseList, parseState, parseStatus } from '../../src/command-line/output';
import { RuntimeError } from '../../src/index';

describe('the output of the runtime', () => {
  test('a status is known in any case; any other is unknown', () => {
    assert.equal(parseStatus('Running'), 'running');
    assert.equal(parseStatus('PAUSED'), 'paused');
    for (const odd of ['creating', '', ' ', 7, null, undefined, {}, []])
      assert.equal(parseStatus(odd), 'unknown');
  });

  test('a list leaves out entries that can’t be used and keeps the rest', () => {
    const good = {
      id: 'a',
      pid: 5,
      bundle: '/b',
      status: 'Running',
      created: '2026-01-02T03:04:05Z',
      owner: 'root',
    };
    const text = JSON.stringify([
      good,
      7,
      null,
      'x',
      {},
      { ...good, id: 5 },
      { ...good, pid: '5' },
      { ...good, pid: -1 },
      { ...good, bundle: null },
      { id: 'b', pid: 0, bundle: '' },
    ]);
    assert.deepEqual(parseList(text, ['crun']), [
      {
        id: 'a',
        pid: 5,
        bundlePath: '/b',
        status: 'running',
        created: new Date('2026-01-02T03:04:05Z'),
        owner: 'root',
      },
      { id: 'b', pid: 0, bundlePath: '', status: 'unknown' },
    ]);
  });

  test('null is an empty list; nothing is none', () => {
    for (const text of ['', '\n'])
      assert.throws(() => parseList(text, ['runc']), { code: 'ERR_RUNTIME_FAILED' });
    for (const text of ['null', '[]']) assert.deepEqual(parseList(text, ['runc']), []);
  });

  test('what is no list and no state rejects with the text, never with a SyntaxError', () => {
    for (const text of ['{', '{}', '"x"', '[1', 'garbage \u0000\uFFFD', '7'])
      assert.throws(
        () => parseList(text, ['crun']),
        (error) => error instanceof RuntimeError && error.code === 'ERR_RUNTIME_FAILED',
      );
    for (const text of ['{', '[]', 'null', '', 'x'])
      assert.throws(
        () => parseState(text, 'a', ['crun']),
        (error) => error instanceof RuntimeError && error.code === 'ERR_RUNTIME_FAILED',
      );
  });
});
