import assert from 'node:assert/strict';
import test from 'node:test';
import { fillBlocks } from '../../bench/report/blocks';
import type { Results } from '../../bench/results';
import { summarize } from '../../bench/statistics';

const results = {
  contestants: { dobby: 'dobby-runc' },
  answers: [
    {
      name: 'exits',
      across: 'live',
      measures: [{ name: 'exit', title: 'kill to exit event', unit: 'ns', better: 'lower', tail: true }],
      figures: [
        { measure: 'exit', contestant: 'dobby', params: { live: 10 }, ...summarize([5]), rounds: [5] },
      ],
    },
  ],
} as unknown as Results;

test('fillBlocks puts the tables of a question between its marks, again and again', () => {
  const page = 'before\n<!-- bench exits -->\nold\n<!-- /bench -->\nafter\n';
  const filled = fillBlocks(page, results);
  assert.equal(
    filled,
    'before\n<!-- bench exits -->\n| kill to exit event | live 10 |\n| --- | ---: |\n| dobby-runc | 5.00 ns |\n<!-- /bench -->\nafter\n',
  );
  assert.equal(fillBlocks(filled, results), filled);
});

test('fillBlocks refuses a question that the result does not answer', () => {
  assert.throws(() => fillBlocks('<!-- bench memory --><!-- /bench -->', results), /no answer to 'memory'/);
});
