import { type Freezer, freezerIn } from '../../runtime/cgroup';
import { isObject, type JsonObject, objectOf, parseObject, positiveOf, stringOf } from '../../system/json';
import { Unfamiliar } from '../../system/unfamiliar';
import type { Kind, RuncRules } from './rules';

/** What is used of runc's `state.json`. */
export interface RuncState {
  readonly pid: number;
  readonly startTime: number;
  readonly freezer: Freezer | null;
  readonly ociVersion: string;
  readonly rootfs: string;
  readonly bundle: string;
  readonly created: string;
  readonly annotations: Record<string, string> | undefined;
  readonly cgroupDirectories: readonly string[];
  readonly hasPrivatePidNamespace: boolean;
  readonly hasPoststopHooks: boolean;
  readonly hasIntelRdt: boolean;
}

export function parseRuncState(
  text: string,
  path: string,
  isUnified: boolean,
  { stateKeys, configKeys, leavesOut }: RuncRules,
): RuncState {
  const json = checked(parseObject(text, path), stateKeys, path);
  const config = checked(objectOf(json, 'config', path), configKeys, path);
  const cgroups = objectOf(config, 'cgroups', path);
  // The value of a key that a version leaves out when it says nothing.
  const valueIn = (parent: JsonObject, key: string, nothing: unknown): unknown =>
    leavesOut && parent[key] === undefined ? nothing : parent[key];
  if (valueIn(cgroups, 'Systemd', false) !== false) throw new Unfamiliar(`${path}: a systemd cgroup`);
  if (!isUnified && valueIn(cgroups, 'unified', null) !== null)
    throw new Unfamiliar(`${path}: v2 resources on cgroup v1`);
  const paths = cgroupPaths(json, path, isUnified);
  return {
    pid: positiveOf(json, 'init_process_pid', path),
    startTime: positiveOf(json, 'init_process_start', path),
    freezer: freezerOf(paths, isUnified),
    ociVersion: stringOf(config, 'version', path),
    rootfs: stringOf(config, 'rootfs', path),
    created: timeOf(json, path),
    ...labelsOf(config, path),
    cgroupDirectories: [...paths.values()],
    hasPrivatePidNamespace: listOf(config, 'namespaces').some(
      (namespace) =>
        isObject(namespace) && namespace.type === 'NEWPID' && valueIn(namespace, 'path', '') === '',
    ),
    hasPoststopHooks: config.Hooks != null && listOf(objectOf(config, 'Hooks', path), 'poststop').length > 0,
    hasIntelRdt:
      config.intel_rdt != null ||
      valueIn(json, 'intel_rdt_path', '') !== '' ||
      (json.intel_rdt_mon_path ?? '') !== '',
  };
}

function checked(json: JsonObject, kinds: Readonly<Record<string, Kind>>, path: string): JsonObject {
  for (const [key, value] of Object.entries(json)) {
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined;
    if (kind === undefined) throw new Unfamiliar(`${path} has the unknown key '${key}'`);
    if (!isOfKind(value, kind)) throw new Unfamiliar(`${path}: '${key}' has an unknown type`);
  }
  return json;
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 's':
      return typeof value === 'string';
    case 'n':
      return typeof value === 'number';
    case 'b':
      return typeof value === 'boolean';
    case 'a':
      return value === null || Array.isArray(value);
    case 'o':
      return value === null || isObject(value);
    default:
      return true;
  }
}

function listOf(json: JsonObject, key: string): readonly unknown[] {
  const value = json[key];
  return Array.isArray(value) ? value : [];
}

/** runc parses the time and prints it anew: the same text only if it is in the form in which it prints. */
function timeOf(json: JsonObject, path: string): string {
  const created = stringOf(json, 'created', path);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/.test(created)) {
    throw new Unfamiliar(`${path}: the time '${created}'`);
  }
  return created;
}

/** Absolute paths by controller; v2 has the one key ''. */
function cgroupPaths(json: JsonObject, path: string, isUnified: boolean): Map<string, string> {
  const paths = new Map<string, string>();
  for (const [controller, directory] of Object.entries(objectOf(json, 'cgroup_paths', path))) {
    if (typeof directory !== 'string' || !isCgroupDirectory(directory, isUnified)) {
      throw new Unfamiliar(`${path}: the cgroup path of '${controller}'`);
    }
    paths.set(controller, directory);
  }
  if (isUnified && (paths.size !== 1 || !paths.has(''))) throw new Unfamiliar(`${path}: no v2 cgroup path`);
  return paths;
}

/** Below a hierarchy's root, and in the form in which runc writes it. */
function isCgroupDirectory(directory: string, isUnified: boolean): boolean {
  const parts = directory.split('/');
  return (
    directory.startsWith('/sys/fs/cgroup/') &&
    parts.length > (isUnified ? 4 : 5) &&
    parts.slice(1).every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

function freezerOf(paths: Map<string, string>, isUnified: boolean): Freezer | null {
  const directory = paths.get(isUnified ? '' : 'freezer');
  return directory === undefined ? null : freezerIn(directory, isUnified);
}

/** runc keeps annotations as labels 'key=value', and the bundle among them. */
function labelsOf(
  config: JsonObject,
  path: string,
): { bundle: string; annotations: Record<string, string> | undefined } {
  let bundle = '';
  const entries: [string, string][] = [];
  for (const label of listOf(config, 'labels')) {
    if (typeof label !== 'string') throw new Unfamiliar(`${path}: a label is not a string`);
    const equals = label.indexOf('=');
    if (equals < 0) continue;
    const key = label.slice(0, equals);
    const value = label.slice(equals + 1);
    if (key === 'bundle') bundle = value;
    else entries.push([key, value]);
  }
  return { bundle, annotations: entries.length === 0 ? undefined : Object.fromEntries(entries) };
}
