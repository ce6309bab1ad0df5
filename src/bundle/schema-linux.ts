import { array, boolean, distinct, integer, map, object, oneOf, pattern, type Rule, string } from './checks';
import {
  absolutePath,
  constant,
  idMappings,
  int64,
  nonEmpty,
  strings,
  uint16,
  uint32,
  uint64,
} from './schema-values';

// The linux object of config.json: config-linux.md.

export const namespaceType = oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time');
export const namespace = object({ type: namespaceType, path: absolutePath }, { required: ['type'] });

const numbersGiven: Rule = (device, path, problems) => {
  for (const name of device.type === 'p' ? [] : ['major', 'minor']) {
    if ((device[name] ?? null) !== null) continue;
    problems.push({ kind: 'type', path: `${path}.${name}`, message: 'missing; must be a device number' });
  }
};
const device = object(
  {
    type: oneOf('b', 'c', 'u', 'p'),
    path: absolutePath,
    major: int64,
    minor: int64,
    fileMode: uint32,
    uid: uint32,
    gid: uint32,
  },
  { required: ['type', 'path'], rules: [numbersGiven] },
);

const deviceNumber = { major: int64, minor: int64 };
const numbered = ['major', 'minor'];
const weights = array(
  object({ ...deviceNumber, weight: uint16, leafWeight: uint16 }, { required: numbered }),
);
const rates = array(object({ ...deviceNumber, rate: uint64 }, { required: [...numbered, 'rate'] }));
export const resources = object({
  devices: array(
    object(
      {
        allow: boolean,
        type: oneOf('a', 'b', 'c', 'u', 'p'),
        ...deviceNumber,
        access: pattern('made of the letters r, w and m', /^[rwm]*$/),
      },
      { required: ['allow'] },
    ),
  ),
  memory: object({
    limit: int64,
    reservation: int64,
    swap: int64,
    kernel: int64,
    kernelTCP: int64,
    swappiness: uint64,
    disableOOMKiller: boolean,
    useHierarchy: boolean,
    checkBeforeUpdate: boolean,
  }),
  cpu: object({
    shares: uint64,
    quota: int64,
    burst: uint64,
    period: uint64,
    realtimeRuntime: int64,
    realtimePeriod: uint64,
    cpus: string(),
    mems: string(),
    idle: int64,
  }),
  pids: object({ limit: int64 }),
  blockIO: object({
    weight: uint16,
    leafWeight: uint16,
    weightDevice: weights,
    throttleReadBpsDevice: rates,
    throttleWriteBpsDevice: rates,
    throttleReadIOPSDevice: rates,
    throttleWriteIOPSDevice: rates,
  }),
  hugepageLimits: array(
    object(
      { pageSize: pattern('a size like 64KB, 2MB or 1GB', /^[1-9][0-9]*[KMG]B$/), limit: uint64 },
      { required: ['pageSize', 'limit'] },
    ),
  ),
  network: object({
    classID: uint32,
    priorities: array(object({ name: nonEmpty, priority: uint32 }, { required: ['name', 'priority'] })),
  }),
  rdma: map(object({ hcaHandles: uint32, hcaObjects: uint32 })),
  unified: map(string(), nonEmpty),
});

const action = constant('SCMP_ACT');
const syscallArg = object(
  { index: integer(0, 5), value: uint64, valueTwo: uint64, op: constant('SCMP_CMP') },
  { required: ['index', 'value', 'op'] },
);
const syscall = object(
  {
    names: array(nonEmpty, 'an array of at least one name', 1),
    action,
    errnoRet: uint32,
    args: array(syscallArg),
  },
  { required: ['names', 'action'] },
);
const seccomp = object(
  {
    defaultAction: action,
    defaultErrnoRet: uint32,
    architectures: array(constant('SCMP_ARCH')),
    flags: array(constant('SECCOMP_FILTER_FLAG')),
    listenerPath: string(),
    listenerMetadata: string(),
    syscalls: array(syscall),
  },
  { required: ['defaultAction'] },
);

/** The parts of linux that BundleSpec takes as they are. */
export const linuxExtras = {
  uidMappings: idMappings,
  gidMappings: idMappings,
  timeOffsets: map(object({ secs: int64, nanosecs: uint32 })),
  devices: array(device),
  netDevices: map(object({ name: string() }), nonEmpty),
  cgroupsPath: string(),
  rootfsPropagation: oneOf(
    'shared',
    'slave',
    'private',
    'unbindable',
    'rshared',
    'rslave',
    'rprivate',
    'runbindable',
  ),
  seccomp,
  sysctl: map(string(), nonEmpty),
  maskedPaths: array(absolutePath),
  readonlyPaths: array(absolutePath),
  mountLabel: string(),
  intelRdt: object({
    closID: string(),
    schemata: strings,
    l3CacheSchema: string(),
    memBwSchema: string(),
    enableMonitoring: boolean,
  }),
  memoryPolicy: object(
    { mode: constant('MPOL'), nodes: string(), flags: array(constant('MPOL_F')) },
    { required: ['mode'] },
  ),
  personality: object({ domain: oneOf('LINUX', 'LINUX32'), flags: strings }, { required: ['domain'] }),
};

export const linux = object({
  namespaces: distinct(namespace, 'type'),
  resources,
  ...linuxExtras,
});
