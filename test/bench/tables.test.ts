import assert from 'node:assert/strict';
import test from 'node:test';
import { parseArguments } from '../../bench/arguments';
import type { Answer, Figure } from '../../bench/results';
import { summarize } from '../../bench/statistics';
import { cellText, tablesOf } from '../../bench/tables';
import { format } from '../../bench/units';

function figure(measure: string, contestant: string, params: Figure['params'], values: number[]): Figure {
  return { measure, contestant, params, ...summarize(values), rounds: [] };
}

function answer(across: string, figures: Figure[]): Answer {
  return {
    across,
    figures,
    measures: [
      { name: 'exit', title: 'kill to exit event', unit: 'ns', better: 'lower', tail: true },
      { name: 'cpu', title: 'processor time', unit: 'ns', better: 'lower' },
    ],
  } as unknown as Answer;
}

test('tablesOf makes one table per measure, and one for a tail, when a parameter goes across', () => {
  const figures = [10, 100].flatMap((live) => [
    figure('cpu', 'dobby', { live }, [1]),
    figure('exit', 'dobby', { live }, [1]),
    figure('exit', 'spawn', { live }, [1]),
  ]);
  const tables = tablesOf(answer('live', figures), {});
  assert.deepEqual(
    tables.map(({ title, statistic, columns, rows }) => [title, statistic, columns.join(), rows.length]),
    [
      ['kill to exit event', 'p50', 'live 10,live 100', 2],
      ['kill to exit event', 'p99', 'live 10,live 100', 2],
      ['processor time', 'p50', 'live 10,live 100', 1],
    ],
  );
});

test('tablesOf makes one table per set of parameters when the measures go across', () => {
  const figures = [
    figure('cpu', 'dobby', { runtime: 'crun' }, [1]),
    figure('exit', 'dobby', { runtime: 'crun' }, [1]),
    figure('cpu', 'dobby', { runtime: 'runc' }, [1]),
  ];
  const medians = tablesOf(answer('measures', figures), {}).filter(({ statistic }) => statistic === 'p50');
  assert.deepEqual(
    medians.map(({ title, columns }) => [title, columns.join()]),
    [
      ['runtime crun', 'kill to exit event,processor time'],
      ['runtime runc', 'processor time'],
    ],
  );
});

test('tablesOf puts the contestants across and the parameters down when asked to', () => {
  const figures = ['c-path', 'dobby'].flatMap((contestant) => [
    figure('cpu', contestant, { variant: 'usual' }, [1]),
    figure('cpu', contestant, { variant: 'minimal' }, [1]),
  ]);
  const [table] = tablesOf(answer('contestants', figures), { dobby: 'dobby-runc' });
  assert.deepEqual(table?.columns, ['c-path', 'dobby-runc']);
  assert.deepEqual(
    table?.rows.map(({ label }) => label),
    ['usual', 'minimal'],
  );
});

test('cellText shows the median with half the range in its unit, and a dash for what is missing', () => {
  const each = figure('exit', 'dobby', {}, [2e6, 2.4e6, 2.8e6]);
  assert.equal(cellText(answer('measures', [each]), each, 'p50'), '2.40 ±0.20 ms');
  assert.equal(cellText(answer('measures', []), null, 'p50'), '–');
});

test('format chooses the largest unit in which the value is at least one', () => {
  assert.equal(format('ns', 999), '999 ns');
  assert.equal(format('ns', 24_310), '24.3 µs');
  assert.equal(format('bytes per second', 3.61e9), '3.61 GB/s');
  assert.equal(format('count', 0), '0');
});

test('parseArguments refuses an unknown option, two scales and an unknown cgroup mode', () => {
  assert.throws(() => parseArguments(['--fast']), TypeError);
  assert.throws(() => parseArguments(['--quick', '--smoke']), TypeError);
  assert.throws(() => parseArguments(['--cgroup', 'v3']), TypeError);
  assert.equal(parseArguments(['--cgroup', 'v2']).cgroup, 'v2');
  assert.deepEqual(parseArguments(['--quick', 'list']).questions, ['list']);
});
