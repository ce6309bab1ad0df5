import { RuntimeError } from '../errors';
import type { OciState } from '../oci';
import { type ContainerListItem, ContainerStatus } from '../runtime/status';

const statuses: ReadonlySet<string> = new Set(Object.values(ContainerStatus));

/** A runtime's word for a status, in any case; 'unknown' for one that is not known. */
export function parseStatus(word: unknown): ContainerStatus {
  const lower = typeof word === 'string' ? word.trim().toLowerCase() : '';
  return statuses.has(lower) ? (lower as ContainerStatus) : ContainerStatus.Unknown;
}

/** What `list --format json` prints. Entries that can't be used are left out; null means none, nothing is a fault. */
export function parseList(text: string, argv: readonly string[]): ContainerListItem[] {
  if (text.trim() === '') throw oddOutput('list', undefined, argv, text, 'is empty');
  const value = parseJson(text, 'list', undefined, argv);
  if (value === null) return [];
  if (!Array.isArray(value)) throw oddOutput('list', undefined, argv, text, 'is not an array');
  return value.flatMap((entry: unknown) => toListItem(entry) ?? []);
}

/** One entry of a list; null when it lacks an id, a pid or a bundle. */
export function toListItem(entry: unknown): ContainerListItem | null {
  if (typeof entry !== 'object' || entry === null) return null;
  const { id, pid, bundle, status, created, owner, annotations } = entry as Record<string, unknown>;
  if (typeof id !== 'string' || id === '' || typeof bundle !== 'string') return null;
  if (!isPid(pid)) return null;
  const item: ContainerListItem = { id, pid, bundlePath: bundle, status: parseStatus(status) };
  const createdAt = typeof created === 'string' ? new Date(created) : null;
  if (createdAt && !Number.isNaN(createdAt.getTime())) item.created = createdAt;
  if (typeof owner === 'string') item.owner = owner;
  if (isStrings(annotations)) item.annotations = annotations;
  return item;
}

/** What `state` prints. */
export function parseState(text: string, id: string, argv: readonly string[]): OciState {
  const value = parseJson(text, 'state', id, argv);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw oddOutput('state', id, argv, text, 'is not an object');
  const state = value as OciState;
  if (state.id !== id) throw oddOutput('state', id, argv, text, 'is about another container');
  if (!statuses.has(state.status) && state.status !== 'creating')
    throw oddOutput('state', id, argv, text, 'has no known status');
  if (state.pid !== undefined && !isPid(state.pid))
    throw oddOutput('state', id, argv, text, 'has no usable pid');
  if (typeof state.bundle !== 'string') throw oddOutput('state', id, argv, text, 'has no bundle');
  if (state.annotations === undefined || isStrings(state.annotations)) return state;
  const { annotations: _, ...rest } = state;
  return rest;
}

function parseJson(text: string, op: string, id: string | undefined, argv: readonly string[]): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw oddOutput(op, id, argv, text, 'is not JSON', cause);
  }
}

function oddOutput(
  op: string,
  id: string | undefined,
  argv: readonly string[],
  text: string,
  why: string,
  cause?: unknown,
): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_FAILED',
    `${argv[0] ?? 'runtime'} ${op}${id === undefined ? '' : ` ${id}`}: its output ${why}: ${JSON.stringify(text.slice(0, 200))}`,
    { op, ...(id === undefined ? {} : { containerId: id }), argv, exitCode: 0, cause },
  );
}

function isStrings(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((each) => typeof each === 'string')
  );
}

function isPid(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
