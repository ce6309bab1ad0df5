import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { argumentRangeError, argumentTypeError, RuntimeError } from '../errors';
import type { OciConfig } from '../oci';
import { type Check, describeProblems, findProblems, isObject, type Problem } from './checks';
import * as schema from './schema';

/** An error about the bundle at `path`: `bundle /srv/web-1: process.args[2]: must be a string, not 5`. */
export function invalidBundle(op: string, path: string, reason: string, cause?: unknown): RuntimeError {
  return new RuntimeError('ERR_INVALID_BUNDLE', `bundle ${path}: ${reason}`, { op, cause });
}

/** What an error of the system says, without assuming that it is one. */
export function explain(error: unknown): { code?: string; message: string } {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { code, message: error.message };
}

/**
 * Checks a parsed config.json and returns it, frozen in depth. A field that is null is taken out: for the spec and
 * the runtimes it is the same as absent. `source` names what was read, when it is not the bundle's config.json.
 */
export function checkConfig(
  op: string,
  bundlePath: string,
  parsed: unknown,
  source = 'config.json',
): OciConfig {
  const problems: Problem[] = [];
  if (!isConfig(parsed, problems, { knownNames: false })) {
    throw invalidBundle(op, bundlePath, `${source}: ${describeProblems(problems)}`);
  }
  if (!settle(parsed, kMaxDepth)) {
    throw invalidBundle(op, bundlePath, `${source}: is nested deeper than ${kMaxDepth} levels`);
  }
  return parsed;
}

/**
 * Adds what is wrong to `problems`: each field by itself, then the rules between them. Names that are not known count
 * only for who writes a configuration: reading one is never stricter than the runtime, which may know more, or ignore
 * them with a warning as the runtime spec asks of unknown capabilities.
 */
export function isConfig(
  value: unknown,
  problems: Problem[],
  { knownNames }: { knownNames: boolean },
): value is OciConfig {
  const fits = (candidate: unknown): candidate is OciConfig => {
    const found = findProblems(schema.config, candidate);
    problems.push(...found.filter(({ kind }) => knownNames || kind !== 'name'));
    return problems.length === 0;
  };
  if (!fits(value)) return false;
  // crun and runc both refuse to set the host's own name.
  if (!value.linux?.namespaces?.some(({ type }) => type === 'uts')) {
    for (const name of ['hostname', 'domainname'] as const) {
      if (!value[name]) continue;
      problems.push({ kind: 'value', path: name, message: 'needs a uts namespace in linux.namespaces' });
    }
  }
  // 1.0 demands an absolute path; since 1.1 a relative one counts from / and is deprecated.
  if (value.ociVersion.startsWith('1.0.')) schema.mounts.run(value.mounts ?? [], 'mounts', problems);
  return problems.length === 0;
}

/** Far deeper than any configuration; fields that the spec does not know could be nested until the stack ends. */
const kMaxDepth = 64;

function settle(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  if (isObject(value)) for (const name of Object.keys(value)) if (value[name] === null) delete value[name];
  for (const item of Object.values(value)) if (!settle(item, depth - 1)) return false;
  Object.freeze(value);
  return true;
}

/** "A directory MUST exist at the path" (config.md, "Root"). Looked for as the runtime will: relative to the bundle. */
export async function checkRootfs(op: string, bundlePath: string, root: string): Promise<void> {
  const path = resolve(bundlePath, root);
  let found: string | undefined;
  let cause: unknown;
  try {
    if (!(await stat(path)).isDirectory()) found = 'is not a directory';
  } catch (error) {
    cause = error;
    const { code, message } = explain(error);
    found = code === 'ENOENT' ? 'does not exist' : `cannot be used (${message})`;
  }
  if (found === undefined) return;
  const reason = `root.path: must be a directory (absolute, or relative to the bundle); ${path} ${found}`;
  throw invalidBundle(op, bundlePath, reason, cause);
}

/** For what a caller passes: a TypeError or a RangeError with a code, never a RuntimeError. */
export function checkArgument(name: string, value: unknown, rule: Check): void {
  const problems = findProblems(rule, value, name);
  if (problems.length > 0) throw argumentError(problems);
}

export function argumentError(problems: readonly Problem[]): TypeError | RangeError {
  const message = describeProblems(problems);
  const kind = problems[0]?.kind;
  if (kind === 'range') return argumentRangeError(message);
  return argumentTypeError(message, kind === 'type' ? 'ERR_INVALID_ARG_TYPE' : 'ERR_INVALID_ARG_VALUE');
}
