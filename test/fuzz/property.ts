// How properties are run: a few hundred times with one seed, so that a test says the same every time; or for
// DOBBY_FUZZ_SECONDS each with another seed every time (npm run fuzz).
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';

const kSeconds = Number(process.env.DOBBY_FUZZ_SECONDS ?? 0);
const kRuns = 300;
const kEndless = 2_147_483_647;
const kSeed = 20_241_124;
/** Of processor time, for texts of at most 64 KiB: far above what a linear parser takes, far below a hang. */
const kMostMs = 1000;

function parameters<T>(examples: [T][]): fc.Parameters<[T]> {
  if (kSeconds === 0) return { numRuns: kRuns, seed: kSeed, examples };
  // Declared for values of unknown type, although it looks at none.
  const plugins = [fc.interruptAfterTimeLimit(kSeconds * 1000)] as fc.Parameters<[T]>['plugins'];
  return { numRuns: kEndless, examples, ...(plugins ? { plugins } : {}) };
}

/** A test that something holds for whatever is made up, the examples (finds of earlier runs) first. */
export function holds<T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => void,
  examples: readonly T[] = [],
): void {
  it(name, { timeout: (kSeconds + 120) * 1000 }, () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        inTime(() => check(value));
      }),
      parameters(examples.map((example) => [example])),
    );
  });
}

function inTime(run: () => void): void {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  assert.ok(ms < kMostMs, `took ${Math.round(ms)} ms`);
}

/** What a parser gives; null when it throws an error that isDocumented accepts. Any other error is a find. */
export function parsed<T>(parse: () => T, isDocumented: (error: unknown) => boolean): T | null {
  try {
    return parse();
  } catch (error) {
    if (isDocumented(error)) return null;
    throw error;
  }
}
