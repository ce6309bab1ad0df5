const kQuote = 0x22;
const kBackslash = 0x5c;
const kOpenBrace = 0x7b;
const kCloseBrace = 0x7d;
const kOpenBracket = 0x5b;
const kCloseBracket = 0x5d;
const kNewline = 0x0a;

/** More than any entry has, and what keeps the time linear: a place is looked at by this many entries at most. */
const kMaxDepth = 8;

interface Entry {
  readonly level: string;
  readonly message: string;
}

/**
 * What a log (`--log-format json`) tells of a failure: the messages of its error entries, or the last words when none
 * is an error; '' when there are no words in it. The entries are JSON objects in any layout (crun up to 1.27 and runc
 * write a line for each, crun from 1.28 on five lines) among lines that may be anything else. Never throws.
 */
export function logMessage(log: string, canNest = true): string {
  let last = '';
  const errors: string[] = [];
  for (const { level, message } of entries(log)) {
    // crun's init writes an entry of its own, which crun then logs as a message.
    const isNested = canNest && level !== '' && message.startsWith('{');
    const words = isNested ? logMessage(message, false) : wordsOf(message);
    if (words === '') continue;
    last = words;
    if (level === 'error' || level === 'fatal') errors.push(words);
  }
  return errors.join('; ') || last;
}

const mostWarnings = 16;

/** The messages of a log's warnings and errors, the first few: what a runtime says that has done what it was to do. */
export function logWarnings(log: string): string[] {
  const warnings: string[] = [];
  for (const { level, message } of entries(log)) {
    if (!/^(warn|error|fatal)/.test(level)) continue;
    const words = message.startsWith('{') ? logMessage(message, false) : wordsOf(message);
    if (words !== '' && warnings.push(words) === mostWarnings) break;
  }
  return warnings;
}

/** What a text says; '' when it is nothing but space and punctuation. */
export function wordsOf(text: string): string {
  return /[\p{L}\p{N}]/u.test(text) ? text.trim() : '';
}

function* entries(log: string): Generator<Entry> {
  let at = 0;
  while (at < log.length) {
    if (log.charCodeAt(at) <= 0x20) {
      at++;
      continue;
    }
    const end = log.charCodeAt(at) === kOpenBrace ? endOfObject(log, at) : -1;
    const entry = end < 0 ? null : parseEntry(log.slice(at, end));
    if (entry !== null) {
      yield entry;
      at = end;
      continue;
    }
    const newline = log.indexOf('\n', at);
    const lineEnd = newline < 0 ? log.length : newline;
    yield { level: '', message: log.slice(at, lineEnd) };
    at = lineEnd;
  }
}

/** null for what is JSON at most, and no log entry. */
function parseEntry(text: string): Entry | null {
  try {
    const { msg, level } = JSON.parse(text) as { msg?: unknown; level?: unknown };
    if (typeof msg !== 'string') return null;
    return { level: typeof level === 'string' ? level.toLowerCase() : '', message: msg };
  } catch {
    return null;
  }
}

/** The position after the brace that closes the one at `start`; -1 when there is none. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  let isInString = false;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === kNewline) return -1;
      if (code === kBackslash) at++;
      else if (code === kQuote) isInString = false;
    } else if (code === kQuote) isInString = true;
    else if (code === kOpenBrace || code === kOpenBracket) {
      depth++;
      if (depth > kMaxDepth) return -1;
    } else if (code === kCloseBrace || code === kCloseBracket) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}
