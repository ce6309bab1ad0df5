// What is made up: JSON with values of every kind in the places of a real file, and real files damaged as bytes.
import * as fc from 'fast-check';

type Json = fc.JsonValue;
type JsonObject = { [key: string]: Json };

const kOddStrings = [
  '',
  '__proto__',
  'constructor',
  'toString',
  '..',
  '/',
  '\0',
  '\ud800',
  '\ufffd',
  '":',
  '\\',
  '\u2028',
  '1e999',
];
const kOddNumbers = [0, -0, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 64, 1e308, -1e308, Number.MAX_SAFE_INTEGER];

/** A value of any kind. */
export const oddValue: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, [], {}, [[]], ...kOddStrings, ...kOddNumbers),
  fc.string({ unit: 'binary' }),
  fc.jsonValue(),
);

/** Every place in a value, as the keys that lead there. */
function placesIn(value: Json, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [at, ...keys.flatMap((key) => placesIn((value as JsonObject)[key] as Json, [...at, key]))];
}

function replaced(value: Json, place: readonly (string | number)[], by: Json | undefined): Json {
  const [key, ...rest] = place;
  if (key === undefined) return by ?? null;
  const copy = structuredClone(value) as JsonObject;
  if (rest.length === 0 && by === undefined) delete copy[key];
  else copy[key] = replaced(copy[key] as Json, rest, by);
  return copy;
}

/** A real value in which a few places hold something else, or nothing. */
export function oddlyFilled(real: Json): fc.Arbitrary<Json> {
  const change = fc.tuple(fc.constantFrom(...placesIn(real)), fc.option(oddValue, { nil: undefined }));
  return fc.array(change, { maxLength: 4 }).map((changes) => {
    let value = real;
    for (const [place, by] of changes) {
      // An earlier change may have taken away what this one leads through.
      if (placesIn(value).some((other) => JSON.stringify(other) === JSON.stringify(place)))
        value = replaced(value, place, by);
    }
    return value;
  });
}

const kPieces = [
  ...[
    '"',
    '\\',
    '\\u0000',
    '\\u0022:',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '": ',
    '\n',
    '\t',
    '\0',
    '\ud800',
    '\ufffd',
  ],
  ...['null', '-', '1e999', '99999999999999999999', '"__proto__":1,', '"pid":1,', '"a":"\\u0022:",'],
];

interface Edit {
  at: number;
  cut: number;
  piece: string;
  times: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat({ max: 4096 }),
  cut: fc.oneof(fc.constant(0), fc.nat({ max: 40 }), fc.constant(4096)),
  piece: fc.oneof(fc.constantFrom(...kPieces), fc.string({ unit: 'binary', maxLength: 8 })),
  times: fc.oneof(fc.constant(1), fc.constant(1), fc.nat({ max: 2000 })),
});

/** A text from which something was cut, and into which something was put. */
export function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(text, fc.array(edit, { maxLength: 3 })).map(([whole, edits]) =>
    edits.reduce((now, { at, cut, piece, times }) => {
      const place = at % (now.length + 1);
      return now.slice(0, place) + piece.repeat(times) + now.slice(place + cut);
    }, whole),
  );
}

/** The file that a value stands in, as the runtimes lay it out or on one line; whole, or damaged. */
export function fileOf(value: fc.Arbitrary<Json>): fc.Arbitrary<string> {
  const whole = fc
    .tuple(value, fc.constantFrom(undefined, 2, 4, '\t'))
    .map(([json, indent]) => JSON.stringify(json, null, indent));
  return fc.oneof(whole, damaged(whole));
}

/** One thing again and again, up to 64 KiB: what a pattern that looks back takes for ever for. */
export function repeated(...words: readonly string[]): fc.Arbitrary<string> {
  const word = fc
    .array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join(''));
  return fc
    .tuple(word, fc.constantFrom(10, 1000, 65_536), fc.constantFrom('', ...words))
    .map(([part, length, last]) => part.repeat(Math.ceil(length / part.length)).slice(0, length) + last);
}
