import { suggestion } from '../system/option-names';

/**
 * A small checker of JSON-like values. The runtime spec's own JSON schemas would need a validator package many
 * times the size of this library's JavaScript, and its messages would name schema keywords, not what is right.
 * A check says what it expects in words, so that every message can.
 */

/**
 * What is wrong with a value: its type, its form, or (a number) its size; or it is a name that is not known here, which
 * a newer kernel or runtime may know.
 */
export type ProblemKind = 'type' | 'value' | 'range' | 'name';

export interface Problem {
  kind: ProblemKind;
  /** Where: `process.args[2]`; empty for the value as a whole. */
  path: string;
  /** `must be a string, not 5` */
  message: string;
}

export interface Check {
  /** Completes 'must be …'. */
  readonly expected: string;
  run(value: unknown, path: string, problems: Problem[]): void;
}

export type JsonObject = Record<string, unknown>;
/** A rule between fields; runs only when each field is right by itself. */
export type Rule = (value: JsonObject, path: string, problems: Problem[]) => void;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const kMaxShown = 60;

/** A value in a message: short, on one line, whatever it is. */
function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > kMaxShown ? `${text.slice(0, kMaxShown)}…` : text;
}

function wrong(kind: ProblemKind, path: string, expected: string, value: unknown): Problem {
  return { kind, path, message: `must be ${expected}, not ${show(value)}` };
}

export function member(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

const kNul = '\0';

/** A string. NUL is refused everywhere: every string ends up in a system call, which would cut it off there. */
export function string(
  expected = 'a string',
  accepts: (value: string) => boolean = () => true,
  kind: ProblemKind = 'value',
): Check {
  return {
    expected,
    run(value, path, problems) {
      if (typeof value !== 'string') problems.push(wrong('type', path, expected, value));
      else if (value.includes(kNul)) problems.push(wrong('value', path, 'free of NUL bytes', value));
      else if (!accepts(value)) problems.push(wrong(kind, path, expected, value));
    },
  };
}

export function pattern(expected: string, regexp: RegExp): Check {
  return string(expected, (value) => regexp.test(value));
}

/** A name with a known beginning. */
export function named(expected: string, regexp: RegExp): Check {
  return string(expected, (value) => regexp.test(value), 'name');
}

export function oneOf(...choices: string[]): Check {
  return string(`one of ${choices.join(', ')}`, (value) => choices.includes(value), 'name');
}

export const boolean: Check = {
  expected: 'true or false',
  run(value, path, problems) {
    if (typeof value !== 'boolean') problems.push(wrong('type', path, boolean.expected, value));
  },
};

/** The bounds may be powers of two that a double rounds a 64-bit limit to, so they are inclusive. */
export function integer(min: number, max: number, words?: string): Check {
  const expected = words ?? `a whole number from ${min} to ${max}`;
  return {
    expected,
    run(value, path, problems) {
      if (typeof value !== 'number') problems.push(wrong('type', path, expected, value));
      else if (!Number.isInteger(value) || value < min || value > max) {
        problems.push(wrong('range', path, expected, value));
      }
    },
  };
}

export function array(items: Check, expected = 'an array', minLength = 0): Check {
  return {
    expected,
    run(value, path, problems) {
      if (!Array.isArray(value)) problems.push(wrong('type', path, expected, value));
      else if (value.length < minLength) problems.push(wrong('value', path, expected, value));
      else for (let i = 0; i < value.length; i++) items.run(value[i], `${path}[${i}]`, problems);
    },
  };
}

/** An object with names of the user's choosing. undefined counts as absent, so that process.env will do. */
export function map(values: Check, names: Check = string()): Check {
  const expected = 'an object';
  return {
    expected,
    run(value, path, problems) {
      if (!isObject(value)) {
        problems.push(wrong('type', path, expected, value));
        return;
      }
      for (const [name, item] of Object.entries(value)) {
        if (item === undefined) continue;
        names.run(name, `${path}: name`, problems);
        values.run(item, member(path, name), problems);
      }
    },
  };
}

export interface ObjectOptions {
  required?: readonly string[];
  /** Refuse names that are not in the table: a misspelt option, not an extension. */
  closed?: boolean;
  rules?: readonly Rule[];
}

/** null and undefined count as absent: tools written in Go print null for what they leave out. */
export function object(fields: Record<string, Check>, options: ObjectOptions = {}): Check {
  const { required = [], closed = false, rules = [] } = options;
  const expected = 'an object';
  return {
    expected,
    run(value, path, problems) {
      if (!isObject(value)) {
        problems.push(wrong('type', path, expected, value));
        return;
      }
      const before = problems.length;
      for (const name of required) {
        if ((value[name] ?? null) === null) {
          const message = `missing; must be ${fields[name]?.expected}`;
          problems.push({ kind: 'type', path: member(path, name), message });
        }
      }
      for (const [name, item] of Object.entries(value)) {
        const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
        if (check !== undefined && (item ?? null) !== null) check.run(item, member(path, name), problems);
        else if (check === undefined && closed) {
          const message = `unknown; ${suggestion(name, Object.keys(fields))}`;
          problems.push({ kind: 'value', path: member(path, name), message });
        }
      }
      if (problems.length === before) for (const rule of rules) rule(value, path, problems);
    },
  };
}

/** An object of one form, or anything else of another form, which has to name both in what it expects. */
export function objectOr(whenObject: Check, otherwise: Check): Check {
  return {
    expected: otherwise.expected,
    run(value, path, problems) {
      (isObject(value) ? whenObject : otherwise).run(value, path, problems);
    },
  };
}

/** An array of which no two elements have the same `key`, or are the same if they are no objects. */
export function distinct(items: Check, key: string): Check {
  const list = array(items);
  return {
    expected: list.expected,
    run(value, path, problems) {
      const before = problems.length;
      list.run(value, path, problems);
      if (problems.length > before || !Array.isArray(value)) return;
      const seen = new Map<unknown, number>();
      for (const [i, item] of value.entries()) {
        const id: unknown = isObject(item) ? item[key] : item;
        const first = seen.get(id);
        const where = isObject(item) ? `${path}[${i}].${key}` : `${path}[${i}]`;
        if (first === undefined) seen.set(id, i);
        else
          problems.push({
            kind: 'value',
            path: where,
            message: `${show(id)} is already in ${path}[${first}]`,
          });
      }
    },
  };
}

/** `path` is what the value as a whole is called in messages. */
export function findProblems(rule: Check, value: unknown, path = ''): Problem[] {
  const problems: Problem[] = [];
  rule.run(value, path, problems);
  return problems;
}

const kMaxListed = 5;

/** `process.args[2]: must be a string, not 5; root.path: missing; …` */
export function describeProblems(problems: readonly Problem[]): string {
  const listed = problems
    .slice(0, kMaxListed)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  if (problems.length > kMaxListed) listed.push(`and ${problems.length - kMaxListed} more`);
  return listed.join('; ');
}
