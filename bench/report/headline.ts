import type { Figure, Results } from '../results';
import { barPanelOf, panelsOf } from './charts';
import type { Panel } from './frame';

/** What a person sees first: the operations that everybody needs, a whole cycle, and the blocked loop. */
export function headlinePanels(results: Results): Panel[] {
  return [...cyclePanels(results), ...operationPanels(results), ...blockPanels(results)];
}

type Pick = (figure: Figure) => boolean;

function bars(results: Results, question: string, title: string, pick: Pick): Panel[] {
  const answer = results.answers.find(({ name }) => name === question);
  const figures = (answer?.figures ?? []).filter(pick).map((figure) => ({
    ...figure,
    label: results.contestants[figure.contestant] ?? figure.contestant,
  }));
  return answer && figures.length > 0 ? [barPanelOf(answer, title, figures)] : [];
}

function cyclePanels(results: Results): Panel[] {
  const alone =
    (measure: string): Pick =>
    (figure) =>
      figure.measure === measure && figure.params.inFlight === 1;
  return [
    ...bars(results, 'cycle', 'create, start, first output byte', alone('firstByte')),
    ...bars(results, 'cycle', 'create, start, output, exit, destroy', alone('cycle')),
  ];
}

function operationPanels(results: Results): Panel[] {
  return ['state', 'kill'].flatMap((verb) =>
    bars(
      results,
      'operations',
      `${verb}, crun`,
      ({ measure, params }) => measure === verb && params.runtime === 'crun',
    ),
  );
}

function blockPanels(results: Results): Panel[] {
  const answer = results.answers.find(({ name }) => name === 'loop-block');
  return answer ? panelsOf(answer, results).slice(0, 2) : [];
}
