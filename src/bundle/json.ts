/** JSON text with the place of an error named, and with integers that a double rounds written back exactly. */

export interface JsonFault {
  line: number;
  column: number;
  reason: string;
}

const kToken = /[{}[\],:"]|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;
/** Taken one by one: a repeated group would need a stack as deep as the string is long. */
const kStringPart = /[^"\\\p{Cc}]+|[\u007f-\u009f]+|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/uy;
const kBlank = /[ \t\n\r]*/y;

function matchAt(regexp: RegExp, text: string, at: number): string | undefined {
  regexp.lastIndex = at;
  return regexp.exec(text)?.[0];
}

/** The token at a place: a string with its quotes, a number, a word or one sign. */
function tokenAt(text: string, at: number): string | undefined {
  const token = matchAt(kToken, text, at);
  if (token !== '"') return token;
  let end = at + 1;
  for (let part: string | undefined = ''; part !== undefined; end += part?.length ?? 0) {
    part = matchAt(kStringPart, text, end);
  }
  return text[end] === '"' ? text.slice(at, end + 1) : undefined;
}

/** What may come next. */
type Next =
  | 'a value'
  | "a value or ']'"
  | "a name or '}'"
  | 'a name'
  | "':'"
  | "',' or ']'"
  | "',' or '}'"
  | 'the end';

/**
 * Where a text stops being JSON; undefined when it is JSON. V8's own messages name
 * a position only for some errors and only in some versions, hence this second look at a text that has failed.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: string[] = [];
  let next: Next = 'a value';
  let at = 0;
  for (;;) {
    at += matchAt(kBlank, text, at)?.length ?? 0;
    if (at === text.length) {
      return next === 'the end' ? undefined : fault(text, at, `expected ${next}, but the file ends`);
    }
    const token = tokenAt(text, at);
    const after: Next | undefined = token === undefined ? undefined : step(token, next, open);
    if (token === undefined && text[at] === '"') {
      return fault(text, at, 'a string that is not closed on its line, or has a wrong escape');
    }
    if (token === undefined || after === undefined) {
      return fault(text, at, `expected ${next}, not ${JSON.stringify(firstWord(text, at))}`);
    }
    next = after;
    at += token.length;
  }
}

/** Takes one token; undefined when it may not come here. */
function step(token: string, next: Next, open: string[]): Next | undefined {
  const isValueNext = next === 'a value' || next === "a value or ']'";
  switch (token) {
    case '{':
    case '[':
      if (!isValueNext) return undefined;
      open.push(token);
      return token === '{' ? "a name or '}'" : "a value or ']'";
    case '}':
      return next === "',' or '}'" || next === "a name or '}'" ? close(open) : undefined;
    case ']':
      return next === "',' or ']'" || next === "a value or ']'" ? close(open) : undefined;
    case ',':
      if (next === "',' or ']'") return 'a value';
      return next === "',' or '}'" ? 'a name' : undefined;
    case ':':
      return next === "':'" ? 'a value' : undefined;
    default:
      if (isValueNext) return afterValue(open);
      return token.startsWith('"') && (next === 'a name' || next === "a name or '}'") ? "':'" : undefined;
  }
}

function close(open: string[]): Next {
  open.pop();
  return afterValue(open);
}

function afterValue(open: readonly string[]): Next {
  const last = open.at(-1);
  if (last === undefined) return 'the end';
  return last === '{' ? "',' or '}'" : "',' or ']'";
}

function firstWord(text: string, at: number): string {
  return /^[\w.+-]+|^"[^"\n]*"?|^[\s\S]/u.exec(text.slice(at, at + 24))?.[0] ?? '';
}

function fault(text: string, at: number, reason: string): JsonFault {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n'), reason };
}

const kUint64Max = 2n ** 64n - 1n;
const kNumberOrQuote = /\\.|"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/**
 * JSON as the runtimes read it. JavaScript prints integers beyond 2^53 with zeros for the digits it does not care
 * about, and 2^64-1 (RLIM_INFINITY), which it rounds to 2^64, as a number that no uint64 holds.
 */
export function toJson(value: unknown): string {
  let isInString = false;
  const text = JSON.stringify(value, null, 2).replace(kNumberOrQuote, (token) => {
    if (token === '"') isInString = !isInString;
    return isInString || token === '"' ? token : exact(token);
  });
  return `${text}\n`;
}

function exact(token: string): string {
  const number = Number(token);
  if (!Number.isInteger(number) || Number.isSafeInteger(number)) return token;
  const integer = BigInt(number);
  return String(integer > kUint64Max ? kUint64Max : integer);
}
