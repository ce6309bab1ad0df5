import { posix } from 'node:path';
import { argumentTypeError } from '../errors';
import type { OciConfig, OciIdMapping, OciLinux, OciMount, OciNamespace, OciProcess, OciUser } from '../oci';
import { argumentError, checkArgument, explain, isConfig } from './check';
import type { Problem } from './checks';
import * as defaults from './defaults';
import { toJson } from './json';
import * as schema from './schema';
import { linuxExtras } from './schema-linux';
import type { BundleSpec, MachineFacts } from './spec';
import { parseUser, specSchema } from './spec-schema';

/** Makes a config.json of a BundleSpec; throws a TypeError or RangeError that names the field that is wrong. */
export function makeConfig(spec: BundleSpec, machine: MachineFacts): OciConfig {
  checkArgument('spec', spec, specSchema);
  const namespaces = makeNamespaces(spec, machine);
  const linux = makeLinux(spec, machine, namespaces);
  const config: unknown = copy({
    ociVersion: spec.ociVersion ?? defaults.kOciVersion,
    process: makeProcess(spec),
    root: {
      path: typeof spec.rootfs === 'string' ? spec.rootfs : spec.rootfs.path,
      readonly: typeof spec.rootfs === 'string' ? true : (spec.rootfs.readonly ?? true),
    },
    hostname: spec.hostname,
    domainname: spec.domainname,
    mounts: makeMounts(spec, linux),
    hooks: spec.hooks,
    annotations: spec.annotations,
    linux,
  });
  // What is left are the rules between fields, and the defaults themselves.
  const problems: Problem[] = [];
  if (isConfig(config, problems, { knownNames: true })) return config;
  throw argumentError(problems.map((problem) => ({ ...problem, path: `spec: ${problem.path}` })));
}

/** Exactly what a reader of the file will get; nothing of the caller's own objects is kept. */
function copy(config: object): unknown {
  try {
    return JSON.parse(toJson(config));
  } catch (error) {
    const { message } = explain(error);
    throw argumentTypeError(`spec: cannot be written as JSON: ${message}`, 'ERR_INVALID_ARG_VALUE');
  }
}

function isRootless(spec: BundleSpec, machine: MachineFacts): boolean {
  return spec.rootless ?? machine.euid !== 0;
}

function makeNamespaces(spec: BundleSpec, machine: MachineFacts): OciNamespace[] {
  const rootless = isRootless(spec, machine);
  const types = defaults.kNamespaces.filter((type) => !(rootless && type === 'network'));
  if (machine.cgroupVersion === 2) types.push('cgroup');
  const namespaces = (spec.namespaces ?? types).map((entry) =>
    typeof entry === 'string' ? { type: entry } : entry,
  );
  const hasUser = namespaces.some(({ type }) => type === 'user');
  if (!hasUser && (rootless || spec.uidMappings !== undefined)) namespaces.push({ type: 'user' });
  return namespaces;
}

function makeProcess(spec: BundleSpec): OciProcess {
  const user = makeUser(spec);
  return {
    terminal: spec.terminal ?? false,
    consoleSize: spec.consoleSize,
    user,
    args: [...spec.args],
    env: makeEnv(spec),
    cwd: spec.cwd ?? '/',
    capabilities: makeCapabilities(spec, user),
    rlimits: (spec.rlimits ?? defaults.kRlimits).map(({ type, soft, hard }) => ({
      type,
      soft: Math.min(soft, 2 ** 64),
      hard: Math.min(hard, 2 ** 64),
    })),
    ...pick(spec, schema.processExtras),
    noNewPrivileges: spec.noNewPrivileges ?? true,
  };
}

function makeUser(spec: BundleSpec): OciUser {
  const user: Partial<OciUser> | undefined = typeof spec.user === 'string' ? parseUser(spec.user) : spec.user;
  return { uid: 0, gid: 0, ...user, umask: spec.umask ?? user?.umask };
}

/** Array.isArray, which would not take a readonly array out of a union. */
function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value);
}

function makeEnv(spec: BundleSpec): string[] {
  const env = spec.env ?? {};
  const entries = isList(env)
    ? [...env]
    : Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  if (!entries.some((entry) => entry.startsWith('PATH='))) entries.unshift(defaults.kPath);
  if (spec.terminal && !entries.some((entry) => entry.startsWith('TERM='))) entries.push(defaults.kTerm);
  return entries;
}

function makeCapabilities(spec: BundleSpec, user: OciUser): OciProcess['capabilities'] {
  const given = spec.capabilities ?? undefined;
  if (given !== undefined && !isList(given)) return given;
  const list = [...(given ?? defaults.kCapabilities)];
  const sets = { bounding: list, effective: list, permitted: list };
  return given === undefined || user.uid === 0 ? sets : { ...sets, inheritable: list, ambient: list };
}

function makeLinux(spec: BundleSpec, machine: MachineFacts, namespaces: OciNamespace[]): OciLinux {
  const user = namespaces.find(({ type }) => type === 'user');
  const makesUser = user !== undefined && user.path === undefined;
  const mapsSelf = makesUser && spec.uidMappings === undefined && isRootless(spec, machine);
  if (makesUser && !mapsSelf && spec.uidMappings === undefined) {
    const message = 'spec.uidMappings: missing; a new user namespace needs uidMappings and gidMappings';
    throw argumentTypeError(message, 'ERR_INVALID_ARG_VALUE');
  }
  return {
    ...(pick(spec, linuxExtras) as OciLinux),
    ...(mapsSelf ? { uidMappings: onlyRoot(machine.euid), gidMappings: onlyRoot(machine.egid) } : {}),
    namespaces,
    resources: makeResources(spec, machine),
    maskedPaths: [...(spec.maskedPaths ?? defaults.kMaskedPaths)],
    readonlyPaths: [...(spec.readonlyPaths ?? defaults.kReadonlyPaths)],
  };
}

/** What a user without privileges may map: root in the container to themself. */
function onlyRoot(hostID: number): OciIdMapping[] {
  return [{ containerID: 0, hostID, size: 1 }];
}

/** Nothing in a rootless container may, or could, set device rules. */
function makeResources(spec: BundleSpec, machine: MachineFacts): OciLinux['resources'] {
  if (isRootless(spec, machine)) return spec.resources;
  const allowed = (spec.devices ?? [])
    .filter(({ type }) => type !== 'p')
    .map(({ type, major, minor }) => ({
      allow: true,
      type: type === 'b' ? ('b' as const) : ('c' as const),
      major,
      minor,
      access: 'rwm',
    }));
  return { ...spec.resources, devices: spec.resources?.devices ?? [defaults.kDenyDevices, ...allowed] };
}

function makeMounts(spec: BundleSpec, linux: OciLinux): OciMount[] {
  // Backwards: of several with one destination the first takes the place, and the others go on top, as listed.
  const added = new Map((spec.mounts ?? []).map((mount) => [place(mount), mount] as const).toReversed());
  const list = (spec.defaultMounts ?? true) ? defaultMounts(spec, linux) : [];
  const mounts = list.map((mount) => added.get(place(mount)) ?? mount);
  return [...mounts, ...(spec.mounts ?? []).filter((mount) => !mounts.includes(mount))];
}

function place({ destination }: OciMount): string {
  return posix.resolve('/', destination);
}

function defaultMounts(spec: BundleSpec, linux: OciLinux): OciMount[] {
  const isNew = (wanted: string) =>
    linux.namespaces?.some(({ type, path }) => type === wanted && path === undefined) ?? false;
  const hasUser = linux.namespaces?.some(({ type }) => type === 'user') ?? false;
  const ttyGroup = 5;
  const hasTtyGroup = !hasUser || (linux.gidMappings ?? []).some((mapping) => covers(mapping, ttyGroup));
  return [
    defaults.kProcMount,
    ...defaults.kDevMounts.map((mount) => (hasTtyGroup ? mount : withoutOption(mount, `gid=${ttyGroup}`))),
    hasUser && !isNew('network') ? defaults.kSysBindMount : defaults.kSysMount,
    ...((spec.cgroupMount ?? true) ? [defaults.kCgroupMount] : []),
  ];
}

function covers({ containerID, size }: OciIdMapping, id: number): boolean {
  return id >= containerID && id < containerID + size;
}

function withoutOption(mount: OciMount, option: string): OciMount {
  return { ...mount, options: mount.options?.filter((other) => other !== option) };
}

/** The fields that go into config.json as they are. */
function pick(spec: BundleSpec, table: object): object {
  const entries = Object.entries(spec);
  return Object.fromEntries(entries.filter(([name, value]) => Object.hasOwn(table, name) && value !== null));
}
