import { array, boolean, type Check, distinct, map, object, objectOr, string } from './checks';
import * as schema from './schema';
import { linuxExtras, namespace, namespaceType, resources } from './schema-linux';
import { kUint32Max, mappedBothWays, nonEmpty, uint64 } from './schema-values';

/** What a BundleSpec must look like: mostly the tables of config.json, here with closed names. */

const kIdPattern = /^(\d+)(?::(\d+))?$/;

/** 'uid:gid' or 'uid'; the spec knows no names (config.md, "POSIX-platform User"). */
export function parseUser(text: string): { uid: number; gid: number } | undefined {
  const found = kIdPattern.exec(text);
  const user = { uid: Number(found?.[1]), gid: Number(found?.[2] ?? 0) };
  return user.uid <= kUint32Max && user.gid <= kUint32Max ? user : undefined;
}

const userText = string(
  'numeric, "uid:gid" or "uid" (the runtimes look up no names)',
  (text) => parseUser(text) !== undefined,
);

const envName = string('non-empty and without "="', (name) => name !== '' && !name.includes('='));
const envList = array(schema.envEntry, 'an object or an array of NAME=value strings');
const envMap = map(string(), envName);
const rootfs = object({ path: nonEmpty, readonly: boolean }, { required: ['path'], closed: true });
const rootfsPath = string('a path or {path, readonly}', (path) => path !== '');

const capabilityList = array(
  schema.capability,
  'an array of names of capabilities or an object of such arrays',
);

/** Infinity stands for RLIM_INFINITY. */
const rlimit: Check = {
  expected: 'a whole number, 0 or more, or Infinity',
  run(value, path, problems) {
    if (value !== Number.POSITIVE_INFINITY) uint64.run(value, path, problems);
  },
};

export const specSchema = object(
  {
    rootfs: objectOr(rootfs, rootfsPath),
    args: schema.args,
    env: objectOr(envMap, envList),
    cwd: schema.cwd,
    user: objectOr(schema.user, userText),
    umask: schema.umask,
    terminal: boolean,
    consoleSize: schema.consoleSize,
    capabilities: objectOr(schema.capabilitySets, capabilityList),
    rlimits: schema.rlimitList(rlimit),
    ...schema.processExtras,
    mounts: schema.mounts,
    defaultMounts: boolean,
    cgroupMount: boolean,
    namespaces: distinct(objectOr(namespace, namespaceType), 'type'),
    hostname: schema.hostname,
    domainname: schema.hostname,
    rootless: boolean,
    resources,
    ...linuxExtras,
    hooks: schema.hooks,
    annotations: schema.annotations,
    ociVersion: schema.ociVersion,
  },
  { required: ['rootfs', 'args'], closed: true, rules: [mappedBothWays] },
);
