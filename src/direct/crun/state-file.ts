import {
  arrayOf,
  isObject,
  type JsonObject,
  objectOf,
  parseObject,
  positiveOf,
  stringOf,
} from '../../system/json';
import { memberSpans } from '../../system/json-spans';
import { Unfamiliar } from '../../system/unfamiliar';

/** crun's `status` file: written once, when the container has been made. */
export interface CrunStatus {
  readonly pid: number;
  readonly startTime: number;
  readonly cgroupPath: string;
  readonly scope: string | undefined;
  readonly rootfs: string;
  readonly bundle: string;
  readonly created: string;
  readonly owner: string | undefined;
  readonly hasSystemdCgroup: boolean;
  readonly hasIntelRdt: boolean;
}

/** All keys that crun 0.21 to 1.29 writes. */
const kKnownKeys: ReadonlySet<string> = new Set([
  'pid',
  'process-start-time',
  'cgroup-path',
  'scope',
  'intelrdt',
  'rootfs',
  'systemd-cgroup',
  'bundle',
  'created',
  'owner',
  'detached',
  'external_descriptors',
]);

export function parseCrunStatus(text: string, path: string): CrunStatus {
  const json = parseObject(text, path);
  for (const key of Object.keys(json)) {
    if (!kKnownKeys.has(key)) throw new Unfamiliar(`${path} has the unknown key '${key}'`);
  }
  // Of two equal keys crun takes the first, JSON.parse the last.
  if (memberSpans(text, text.indexOf('{')) === null) throw new Unfamiliar(`${path} has a key twice`);
  const optional = (key: string): string | undefined =>
    json[key] === undefined ? undefined : stringOf(json, key, path);
  return {
    pid: positiveOf(json, 'pid', path),
    startTime: positiveOf(json, 'process-start-time', path),
    cgroupPath: stringOf(json, 'cgroup-path', path),
    scope: optional('scope'),
    rootfs: stringOf(json, 'rootfs', path),
    bundle: stringOf(json, 'bundle', path),
    created: stringOf(json, 'created', path),
    owner: optional('owner'),
    hasSystemdCgroup: json['systemd-cgroup'] === true,
    hasIntelRdt: (optional('intelrdt') ?? '') !== '',
  };
}

/** What crun takes from its copy of config.json when it prints the state, starts and deletes. */
export interface CrunConfig {
  readonly annotations: Record<string, string> | undefined;
  readonly hasPrivatePidNamespace: boolean;
  readonly hasPoststartHooks: boolean;
  readonly hasPoststopHooks: boolean;
  /** From crun 1.24 on only the configuration tells. */
  readonly hasIntelRdt: boolean;
}

/** The file is the verbatim copy of what crun accepted at create, so only what is used is checked. */
export function parseCrunConfig(text: string, path: string): CrunConfig {
  const json = parseObject(text, path);
  const linux = json.linux === undefined ? {} : objectOf(json, 'linux', path);
  const hooks = json.hooks === undefined ? {} : objectOf(json, 'hooks', path);
  const listOf = (parent: JsonObject, key: string): readonly unknown[] =>
    parent[key] === undefined ? [] : arrayOf(parent, key, path);
  return {
    annotations: annotationsOf(json, path),
    hasPrivatePidNamespace: listOf(linux, 'namespaces').some(
      (namespace) => isObject(namespace) && namespace.type === 'pid' && namespace.path === undefined,
    ),
    hasPoststartHooks: listOf(hooks, 'poststart').length > 0,
    hasPoststopHooks: listOf(hooks, 'poststop').length > 0,
    hasIntelRdt: linux.intelRdt !== undefined,
  };
}

function annotationsOf(json: JsonObject, path: string): Record<string, string> | undefined {
  if (json.annotations === undefined) return undefined;
  const annotations = objectOf(json, 'annotations', path);
  const entries = Object.keys(annotations).map((key): [string, string] => [
    key,
    stringOf(annotations, key, path),
  ]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
