import assert from 'node:assert/strict';
import test from 'node:test';
import { median, quantile, summarize } from '../../bench/statistics';

test('quantile interpolates between the two nearest samples', () => {
  assert.equal(quantile([0, 10], 0.25), 2.5);
  assert.equal(quantile([7], 0.99), 7);
});

test('median does not depend on the order, nor change it', () => {
  const values = [3, 1, 2];
  assert.equal(median(values), 2);
  assert.deepEqual(values, [3, 1, 2]);
});

test('summarize reports quantiles, mean and median absolute deviation', () => {
  const { samples, min, max, p25, p50, p75, mean, mad } = summarize([5, 1, 2, 3, 4]);
  assert.deepEqual(
    { samples, min, max, p25, p50, p75, mean, mad },
    { samples: 5, min: 1, max: 5, p25: 2, p50: 3, p75: 4, mean: 3, mad: 1 },
  );
});

test('summarize of nothing throws', () => {
  assert.throws(() => summarize([]), /no samples/);
});
