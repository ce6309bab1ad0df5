/** Where a value stands in a JSON text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const kQuote = 0x22;
const kBackslash = 0x5c;
const kComma = 0x2c;
const kColon = 0x3a;
const kOpenBrace = 0x7b;
const kCloseBrace = 0x7d;
const kOpenBracket = 0x5b;
const kCloseBracket = 0x5d;

/**
 * The members of the object that begins at `start`, found without building values: what is put into the text
 * later must leave the rest of it as it is, numbers beyond 2^53 included. The text must be valid JSON. Null when
 * a key comes twice or is written with escapes.
 */
export function memberSpans(text: string, start: number): Map<string, Span> | null {
  const members = new Map<string, Span>();
  let at = skipSpace(text, start + 1);
  while (text.charCodeAt(at) === kQuote) {
    const keyEnd = endOfString(text, at);
    const key = text.slice(at + 1, keyEnd - 1);
    if (key.includes('\\') || members.has(key)) return null;
    at = skipSpace(text, keyEnd);
    if (text.charCodeAt(at) !== kColon) return null;
    const valueStart = skipSpace(text, at + 1);
    const end = endOfValue(text, valueStart);
    members.set(key, { start: valueStart, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== kComma) break;
    at = skipSpace(text, at + 1);
  }
  return text.charCodeAt(at) === kCloseBrace ? members : null;
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (text.charCodeAt(next) <= 0x20) next++;
  return next;
}

/** The position after the closing quotation mark. */
function endOfString(text: string, start: number): number {
  let at = text.indexOf('"', start + 1);
  while (at >= 0) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === kBackslash) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
    at = text.indexOf('"', at + 1);
  }
  return text.length;
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === kQuote) {
      at = endOfString(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (code === kOpenBrace || code === kOpenBracket) depth++;
    else if (code === kCloseBrace || code === kCloseBracket) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (code === kComma || code <= 0x20)) return at;
    at++;
  }
  return at;
}
