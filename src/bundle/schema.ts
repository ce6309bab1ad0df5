import {
  array,
  boolean,
  type Check,
  distinct,
  integer,
  map,
  named,
  object,
  pattern,
  type Rule,
  string,
} from './checks';
import { linux } from './schema-linux';
import {
  absolutePath,
  constant,
  directoryPath,
  idMappings,
  int32,
  mappedBothWays,
  nonEmpty,
  somePath,
  strings,
  uint16,
  uint32,
  uint64,
} from './schema-values';

/**
 * What config.json must look like: config.md and config-linux.md of runtime-spec 1.0.2 to 1.3. Names that are not
 * in the tables are allowed, as the spec says (config.md, "Extensibility"). Lists of names that grow with the
 * kernel or libseccomp (`CAP_…`, `SCMP_…`) are checked by form only.
 */

export const envEntry = pattern('NAME=value', /^[^=]+=/);
export const env = array(envEntry, 'an array of NAME=value strings');
export const args = array(string(), 'an array of at least one string', 1);
export const cwd = absolutePath;
export const capability = named('the name of a capability, like CAP_KILL', /^CAP_[A-Z_0-9]+$/);
export const hostname = string('a host name of at most 64 bytes', (value) => Buffer.byteLength(value) <= 64);

export const umask = integer(0, 0o777, 'a whole number from 0 to 0o777 (511)');
export const consoleSize = object({ height: uint16, width: uint16 }, { required: ['height', 'width'] });
export const user = object(
  { uid: uint32, gid: uint32, umask: uint32, additionalGids: array(uint32) },
  { required: ['uid', 'gid'] },
);
const capabilities = array(capability, 'an array of names of capabilities');
export const capabilitySets = object({
  bounding: capabilities,
  effective: capabilities,
  inheritable: capabilities,
  permitted: capabilities,
  ambient: capabilities,
});

const softAtMostHard: Rule = (limit, path, problems) => {
  if (Number(limit.soft) <= Number(limit.hard)) return;
  problems.push({
    kind: 'range',
    path: `${path}.soft`,
    message: `must be at most hard (${String(limit.hard)})`,
  });
};
const rlimitType = named('the name of a limit, like RLIMIT_NOFILE', /^RLIMIT_[A-Z]+$/);
/** `limit` is what soft and hard may be. */
export function rlimitList(limit: Check): Check {
  const rlimit = object(
    { type: rlimitType, soft: limit, hard: limit },
    { required: ['type', 'soft', 'hard'], rules: [softAtMostHard] },
  );
  return distinct(rlimit, 'type');
}

/** The parts of process that BundleSpec takes as they are. */
export const processExtras = {
  noNewPrivileges: boolean,
  apparmorProfile: string(),
  selinuxLabel: string(),
  oomScoreAdj: integer(-1000, 1000),
  scheduler: object(
    {
      policy: constant('SCHED'),
      nice: int32,
      priority: int32,
      flags: array(constant('SCHED_FLAG')),
      runtime: uint64,
      deadline: uint64,
      period: uint64,
    },
    { required: ['policy'] },
  ),
  ioPriority: object({ class: constant('IOPRIO_CLASS'), priority: integer(0, 7) }, { required: ['class'] }),
  execCPUAffinity: object({ initial: string(), final: string() }),
};

const programNamed: Rule = (process, path, problems) => {
  if (!Array.isArray(process.args) || process.args[0] !== '') return;
  problems.push({ kind: 'value', path: `${path}.args[0]`, message: 'must name a program, not ""' });
};
export const process = object(
  {
    terminal: boolean,
    consoleSize,
    user,
    args,
    env,
    cwd,
    capabilities: capabilitySets,
    rlimits: rlimitList(uint64),
    ...processExtras,
  },
  { required: ['args', 'cwd'], rules: [programNamed] },
);

function mountList(destination: Check): Check {
  const fields = { destination, type: string(), source: string(), options: strings };
  return array(
    object(
      { ...fields, uidMappings: idMappings, gidMappings: idMappings },
      { required: ['destination'], rules: [mappedBothWays] },
    ),
  );
}
export const mounts = mountList(absolutePath);

const hook = object(
  {
    path: absolutePath,
    args: strings,
    env,
    timeout: integer(1, 2 ** 31 - 1, 'a whole number of seconds above 0'),
  },
  { required: ['path'] },
);
export const hooks = object({
  prestart: array(hook),
  createRuntime: array(hook),
  createContainer: array(hook),
  startContainer: array(hook),
  poststart: array(hook),
  poststop: array(hook),
});
export const annotations = map(string(), nonEmpty);

export const ociVersion = pattern(
  'a version 1.x.y of the runtime spec, like "1.0.2"',
  /^1\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/,
);
export const config = object(
  {
    ociVersion,
    root: object({ path: directoryPath, readonly: boolean }, { required: ['path'] }),
    process,
    hostname,
    domainname: hostname,
    mounts: mountList(somePath),
    hooks,
    annotations,
    linux,
  },
  { required: ['ociVersion', 'root'] },
);
