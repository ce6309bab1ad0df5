import { argumentTypeError } from '../errors';

/** Further off than that a name was not meant. */
const mostEdits = 3;

/** The known name that is nearest to a wrong one: in the fewest letters left out, put in or replaced. */
export function nearestName(wrong: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let fewest = Math.min(mostEdits, Math.ceil(wrong.length / 2)) + 1;
  for (const name of known) {
    const edits = editsBetween(wrong.toLowerCase(), name.toLowerCase());
    if (edits >= fewest) continue;
    best = name;
    fewest = edits;
  }
  return best;
}

/** 'did you mean …', or what there is. */
export function suggestion(wrong: string, known: readonly string[]): string {
  const nearest = nearestName(wrong, known);
  return nearest === null ? `known are ${known.join(', ')}` : `did you mean '${nearest}'?`;
}

/** Levenshtein's distance, a row at a time. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/**
 * Refuses options that nobody reads: a misspelt one would be without effect, and nobody would be told.
 * @throws TypeError ERR_INVALID_ARG_VALUE that names the nearest known one
 */
export function checkOptionNames(what: string, o: object, known: readonly string[]): void {
  for (const name in o) {
    if (known.includes(name) || (o as Record<string, unknown>)[name] === undefined) continue;
    throw argumentTypeError(
      `${what}: there is no '${name}'; ${suggestion(name, known)}`,
      'ERR_INVALID_ARG_VALUE',
    );
  }
}
