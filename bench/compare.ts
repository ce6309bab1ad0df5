import { type Answer, type Figure, paramsText, type Results, sameParams } from './results';
import { format, unitOf } from './units';

export interface Change {
  question: string;
  title: string;
  contestant: string;
  before: Figure;
  after: Figure;
  /** After by before, larger is worse: 1.2 is a fifth worse, whichever way the measure points. */
  factor: number;
  verdict: 'worse' | 'better' | 'same';
}

/** Differences smaller than this are no news even when the spreads are narrower. */
const leastFactor = 1.03;

/** What differs by more than the spread: the p25–p75 ranges do not touch. */
export function compare(before: Results, after: Results): Change[] {
  return after.answers.flatMap((answer) => {
    const old = before.answers.find(({ name }) => name === answer.name);
    return old === undefined ? [] : compareAnswers(old, answer);
  });
}

function compareAnswers(old: Answer, answer: Answer): Change[] {
  return answer.figures.flatMap((after) => {
    const before = old.figures.find(
      (each) =>
        each.measure === after.measure &&
        each.contestant === after.contestant &&
        sameParams(each.params, after.params),
    );
    const measure = answer.measures.find(({ name }) => name === after.measure);
    if (!before || !measure) return [];
    const title = [measure.title, paramsText(after.params)].filter(Boolean).join(', ');
    const base = { question: answer.name, title, contestant: after.contestant, before, after };
    return measure.better === 'lower'
      ? { ...base, ...judge(widened(before), widened(after)) }
      : { ...base, ...judge(inverted(widened(before)), inverted(widened(after))) };
  });
}

type Range = Pick<Figure, 'p25' | 'p50' | 'p75' | 'samples'>;

/** Two or three samples say little about their spread: their range is taken for at least this share wide. */
const fewSamples = 4;
const leastSpread = 0.15;

function widened({ p25, p50, p75, samples }: Range): Range {
  if (samples >= fewSamples) return { p25, p50, p75, samples };
  return {
    p25: Math.min(p25, p50 * (1 - leastSpread)),
    p50,
    p75: Math.max(p75, p50 * (1 + leastSpread)),
    samples,
  };
}

function inverted({ p25, p50, p75, samples }: Range): Range {
  return { p25: 1 / p75, p50: 1 / p50, p75: 1 / p25, samples };
}

function judge(before: Range, after: Range): Pick<Change, 'factor' | 'verdict'> {
  if (after.p50 === before.p50) return { factor: 1, verdict: 'same' };
  const factor = after.p50 / before.p50;
  if (after.p25 > before.p75 && factor > leastFactor) return { factor, verdict: 'worse' };
  if (after.p75 < before.p25 && factor < 1 / leastFactor) return { factor, verdict: 'better' };
  return { factor, verdict: 'same' };
}

export function isOurs(contestant: string): boolean {
  return contestant.startsWith('dobby');
}

/** One line per change of ours; and how the others moved, which is the machine's doing. */
export function changesText(changes: readonly Change[], results: Results): string {
  const compared = changes.filter(({ contestant }) => isOurs(contestant)).length;
  const lines = [`${compared} figures of dobby-runc are in both results`];
  for (const verdict of ['worse', 'better'] as const) {
    const ours = changes.filter((change) => change.verdict === verdict && isOurs(change.contestant));
    lines.push(`${ours.length} figures of dobby-runc ${verdict} by more than the spread`);
    for (const change of ours) {
      const answer = results.answers.find(({ name }) => name === change.question) as Answer;
      const unit = unitOf(answer.measures, change.after.measure);
      lines.push(
        `  ${change.question}: ${change.title}, ${change.contestant}: ` +
          `${format(unit, change.before.p50)} → ${format(unit, change.after.p50)}`,
      );
    }
  }
  const others = changes.filter(({ contestant }) => !isOurs(contestant));
  const factors = others
    .map(({ factor }) => factor)
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b);
  const middle = factors[Math.floor(factors.length / 2)];
  if (middle !== undefined) {
    const name = middle > 1 ? 'slower' : 'faster';
    lines.push(
      `The others' figures, whose code did not change, are ${Math.abs((middle - 1) * 100).toFixed(0)} % ${name} (median).`,
    );
  }
  return lines.join('\n');
}
