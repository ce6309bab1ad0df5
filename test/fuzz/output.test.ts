import assert from 'node:assert/strict';
import { describe } from 'node:test';
import * as fc from 'fast-check';

import { failureCode } from '../../src/command-line/failures';
import { parseList, parseState } from '../../src/command-line/output';
import { logMessage } from '../../src/command-line/runtime-log';

import { RuntimeError } from '../../src/errors';
import { ContainerStatus } from '../../src/runtime/status';
import { holds, parsed } from './property';
import { damaged, fileOf, oddlyFilled, repeated } from './texts';

const isFailed = (error: unknown): boolean =>
  error instanceof RuntimeError && error.code === 'ERR_RUNTIME_FAILED';

const kEntry = {
  ociVersion: '1.0.2',
  id: 'a',
  pid: 5,
  status: 'running',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-02T03:04:05Z',
  owner: 'root',
  annotations: { a: 'b' },
};

const statuses: readonly unknown[] = Object.values(ContainerStatus);

function assertAnnotations(annotations: unknown): void {
  if (annotations === undefined) return;
  assert.ok(typeof annotations === 'object' && annotations !== null && !Array.isArray(annotations));
  for (const value of Object.values(annotations)) assert.equal(typeof value, 'string');
}

describe('output of any content', () => {
  holds(
    'list: entries of the documented types, or ERR_RUNTIME_FAILED',
    fileOf(oddlyFilled([kEntry, { ...kEntry, id: 'b', pid: 0 }])),
    (text) => {
      for (const item of parsed(() => parseList(text, ['crun', 'list']), isFailed) ?? []) {
        assert.ok(item.id !== '' && typeof item.id === 'string');
        assert.ok(Number.isInteger(item.pid) && item.pid >= 0);
        assert.equal(typeof item.bundlePath, 'string');
        assert.ok(statuses.includes(item.status));
        if (item.created !== undefined) assert.equal(Number.isNaN(item.created.getTime()), false);
        assertAnnotations(item.annotations);
      }
    },
    [JSON.stringify([{ ...kEntry, annotations: ['not a record'] }])],
  );

  holds(
    'state: an object of the documented types about this container, or ERR_RUNTIME_FAILED',
    fileOf(oddlyFilled(kEntry)),
    (text) => {
      const state = parsed(() => parseState(text, 'a', ['crun', 'state', 'a']), isFailed);
      if (state === null) return;
      assert.equal(state.id, 'a');
      assert.equal(typeof state.status, 'string');
      assert.equal(typeof state.bundle, 'string');
      assert.ok(state.pid === undefined || (Number.isInteger(state.pid) && state.pid >= 0), `${state.pid}`);
      assertAnnotations(state.annotations);
    },
    [JSON.stringify({ ...kEntry, pid: '5' }), JSON.stringify({ ...kEntry, bundle: null })],
  );

  const logLine = fc
    .tuple(fc.constantFrom('error', 'fatal', 'warning', 'info', ''), fc.string({ unit: 'binary' }))
    .map(([level, msg]) => JSON.stringify({ level, msg, time: '2026-01-02T03:04:05Z' }));

  holds(
    'logMessage: words from any log, every error among them',
    damaged(fc.array(logLine, { maxLength: 20 }).map((lines) => lines.join('\n'))),
    (log) => assert.equal(typeof logMessage(log), 'string'),
    ['null', '7', '"x"', '[]', '{"msg":{}}', '{"level":"error"}', '{"msg":"\\u0000"'],
  );

  holds(
    'failureCode: a code for any words, at once',
    fc.oneof(
      repeated(
        ...['container ', 'container with ', 'id ', 'exists', 'open directory ', 'cannot ', 'exec: "', '": '],
        ...[
          'executable file ',
          'the path ',
          'running ',
          'executing ',
          'not in ',
          'make ',
          'setns(',
          '/proc/1',
          ' ',
        ],
      ),
      fc.string({ unit: 'binary', maxLength: 2000 }),
    ),
    (words) => assert.match(failureCode('create', words), /^ERR_[A-Z_]+$/),
    ['container with id '.repeat(4000)],
  );
});
