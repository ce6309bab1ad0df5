import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findJsonFault, toJson } from '../../src/bundle/json';

describe('findJsonFault', () => {
  const cases: [text: string, line: number, column: number, reason: string][] = [
    ['{', 1, 2, "expected a name or '}', but the file ends"],
    ['{"a": 1,}', 1, 9, 'expected a name, not "}"'],
    ['{\n  "a": tru\n}', 2, 8, 'expected a value, not "tru"'],
    ['{"a" 1}', 1, 6, `expected ':', not "1"`],
    ['[1 2]', 1, 4, `expected ',' or ']', not "2"`],
    ['[1,\n\n ]', 3, 2, 'expected a value, not "]"'],
    ['{"a": 01}', 1, 7, 'expected a value, not "01"'],
    ["{'a': 1}", 1, 2, `expected a name or '}', not "'"`],
    ['{}\n{}', 2, 1, 'expected the end, not "{"'],
    ['// comment\n{}', 1, 1, 'expected a value, not "/"'],
    ['{"a": "x\ny"}', 1, 7, 'a string that is not closed on its line, or has a wrong escape'],
    ['{"a": "\\x"}', 1, 7, 'a string that is not closed on its line, or has a wrong escape'],
  ];
  for (const [text, line, column, reason] of cases) {
    it(`names the place in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(findJsonFault(text), { line, column, reason });
    });
  }

  it('finds a fault exactly when JSON.parse does', () => {
    const sample = '{"a":[1,-2.5e3,"x\\n\\u0041"],"b":{"c":null,"d":[true,false,{}]},"e":[]}';
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let i = 0; i < 5000; i++) {
      const at = random(sample.length);
      const insert = '{}[],:"\\01e.-tx \n'[random(17)] ?? '';
      const text = sample.slice(0, at) + (random(2) ? insert : '') + sample.slice(at + random(3));
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      assert.equal(findJsonFault(text) === undefined, isJson, text);
    }
  });

  it('takes long strings and deep nesting', () => {
    assert.equal(findJsonFault(`["${'\\n'.repeat(1e6)}"]`), undefined);
    assert.equal(findJsonFault('['.repeat(1e5))?.column, 1e5 + 1);
  });
});

describe('toJson', () => {
  it('writes 2^64, which is how RLIM_INFINITY reads, as the largest uint64', () => {
    assert.equal(toJson({ soft: 2 ** 64 }), '{\n  "soft": 18446744073709551615\n}\n');
  });

  it('writes other large integers with all their digits', () => {
    assert.equal(
      toJson([2 ** 63, -(2 ** 63), 2 ** 53]).replace(/\s/g, ''),
      `[${2n ** 63n},${-(2n ** 63n)},${2n ** 53n}]`,
    );
  });

  it('leaves text and fractions alone', () => {
    const value = {
      a: '": 18446744073709552000,\\"',
      b: 0.1234567890123456,
      'c 18446744073709552000': 'é\n',
    };
    assert.equal(toJson(value), `${JSON.stringify(value, null, 2)}\n`);
  });
});
