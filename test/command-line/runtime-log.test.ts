import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureCode } from '../../src/command-line/failures';
import { logMessage, wordsOf } from '../../src/command-line/runtime-log';

const line = (level: string, msg: string): string => JSON.stringify({ level, msg, time: 'now' });
/** As json-c writes it, for crun from 1.28 on. */
const lines = (level: string, msg: string): string =>
  JSON.stringify({ msg, level, time: 'now' }, null, 2).replaceAll('/', '\\/');

describe('the log of a runtime', () => {
  test('its errors are the message, in whatever layout, and else its last words', () => {
    for (const entry of [line, lines]) {
      const log = [entry('warning', 'w'), entry('error', 'e /x'), entry('debug', 'd')].join('\n');
      assert.equal(logMessage(log), 'e /x');
      assert.equal(logMessage(`plain words\n${entry('error', 'e')}\nmore words`), 'e');
      assert.equal(logMessage(`${entry('error', 'a')}${entry('fatal', 'b')}`), 'a; b');
      assert.equal(logMessage(entry('info', 'i')), 'i');
      assert.equal(logMessage(entry('error', `${entry('error', 'of the init')}\n`)), 'of the init');
      assert.equal(logMessage(`${entry('error', 'e')}\n{"msg": "cut of`), 'e');
    }
    assert.equal(logMessage('plain words\n'), 'plain words');
    assert.equal(logMessage('null\n7\n'), '7');
    assert.equal(logMessage(line('error', 'braces } and { and "quotes\\" \n in it')).length, 36);
  });

  test('a part of an entry, punctuation and nothing are no message', () => {
    for (const log of ['', '\n', '}\n', '{', '{}\n[]\n', lines('error', ''), line('error', '…'), '{ \n}\n}'])
      assert.equal(logMessage(log), '', log);
    const cut = lines('error', 'what went wrong').slice(4);
    assert.match(logMessage(cut), /\w/);
    assert.equal(wordsOf(' }\n'), '');
  });

  test('its time grows with its length, whatever is in it', () => {
    const size = 256 * 1024;
    for (const part of ['{\n', '{"a":\n', '{"a":[\n{},\n', '{"a":"\n', '[\n', '"\n', '}\n', '{}{\n', '{"\\'])
      assert.equal(typeof logMessage(part.repeat(size / part.length)), 'string');
  });
});

describe('the code of a failure', () => {
  const words =
    'chdir to cwd ("/the container is paused") set in config.json failed: no such file or directory';

  test('does not come from what the caller gave', () => {
    assert.equal(failureCode('exec', words, ['/the container is paused']), 'ERR_CWD_NOT_FOUND');
    assert.equal(failureCode('start', 'odd: my-cgroup-1', ['my-cgroup-1']), 'ERR_RUNTIME_FAILED');
    assert.equal(failureCode('start', 'odd: `/r/cgroup/x`', ['cgroup', '/r']), 'ERR_RUNTIME_FAILED');
    const quoted = 'odd: "/a \\"cgroup\\""';
    assert.equal(failureCode('start', quoted, ['/a "cgroup"']), 'ERR_RUNTIME_FAILED');
  });

  test('comes from the runtime’s words although the caller has used them too', () => {
    const missing = 'container `container` does not exist';
    assert.equal(failureCode('start', missing, ['container']), 'ERR_CONTAINER_NOT_FOUND');
    assert.equal(failureCode('start', 'creating cgroup', ['cgroup', '/sys/fs/cgroup']), 'ERR_CGROUP');
    const config = ['/b/cgroup', '/b/cgroup/config.json'];
    assert.equal(failureCode('create', 'open `/b/cgroup/config.json`', config), 'ERR_INVALID_BUNDLE');
  });
});
