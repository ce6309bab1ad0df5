import assert from 'node:assert/strict';
import test from 'node:test';
import { changesText, compare } from '../../bench/compare';
import type { Answer, Figure, Results } from '../../bench/results';
import { summarize } from '../../bench/statistics';

function results(samples: Record<string, number[]>, better: 'lower' | 'higher' = 'lower'): Results {
  const figures = Object.entries(samples).map(
    ([contestant, values]): Figure => ({
      measure: 'time',
      contestant,
      params: { runtime: 'crun' },
      ...summarize(values),
      rounds: values,
    }),
  );
  const answer = {
    name: 'operations',
    measures: [{ name: 'time', title: 'state', unit: 'ns', better }],
    figures,
  } as unknown as Answer;
  return { answers: [answer] } as unknown as Results;
}

function verdictOf(
  before: number[],
  after: number[],
  better: 'lower' | 'higher' = 'lower',
): string | undefined {
  return compare(results({ dobby: before }, better), results({ dobby: after }, better))[0]?.verdict;
}

test('compare calls a figure worse when the p25–p75 ranges do not touch', () => {
  assert.equal(verdictOf([10, 11, 12], [20, 21, 22]), 'worse');
  assert.equal(verdictOf([20, 21, 22], [10, 11, 12]), 'better');
});

test('compare calls overlapping ranges the same', () => {
  assert.equal(verdictOf([10, 11, 30], [11, 20, 31]), 'same');
});

test('compare turns measures round where more is better', () => {
  assert.equal(verdictOf([20, 21, 22], [10, 11, 12], 'higher'), 'worse');
});

test('compare calls one failure where there was none worse', () => {
  assert.equal(verdictOf([0, 0, 0], [1, 1, 1]), 'worse');
  assert.equal(verdictOf([0, 0, 0], [0, 0, 0]), 'same');
});

test('compare takes two samples that happen to agree for no proof of a narrow spread', () => {
  assert.equal(verdictOf([10, 10], [11, 11]), 'same');
  assert.equal(verdictOf([10, 10], [20, 20]), 'worse');
});

test('compare leaves out what only one of the runs has', () => {
  assert.deepEqual(compare(results({ dobby: [1] }), results({ execa: [1] })), []);
});

test('changesText names what got worse and says how the others moved', () => {
  const after = results({ dobby: [2e6, 2e6], spawn: [3e6, 3e6] });
  const text = changesText(compare(results({ dobby: [1e6, 1e6], spawn: [2e6, 2e6] }), after), after);
  assert.match(text, /1 figures of dobby-runc worse/);
  assert.match(text, /operations: state, runtime crun, dobby: 1\.00 ms → 2\.00 ms/);
  assert.match(text, /50 % slower/);
});
