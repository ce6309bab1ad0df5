import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Bundle } from '../../src/bundle/bundle';
import { bundleError, smallConfig, writeBundle } from './bundles';

type Json = Record<string, unknown>;

/** Sets `process.args[2]` and the like; undefined takes the field out. */
function set(target: Json, field: string, value: unknown): Json {
  const names = field.replace(/\[(\d+)\]/g, '.$1').split('.');
  let place: Json = target;
  for (const name of names.slice(0, -1)) {
    place[name] ??= {};
    place = place[name] as Json;
  }
  const last = names.at(-1) ?? '';
  if (value === undefined) delete place[last];
  else place[last] = value;
  return target;
}

const rlimit = { type: 'RLIMIT_NOFILE', soft: 1, hard: 2 };
const hook = { path: '/bin/true' };

/** What is set where, and the message that has to come. */
const wrong: [field: string, value: unknown, message: string][] = [
  ['ociVersion', undefined, 'ociVersion: missing; must be a version 1.x.y of the runtime spec, like "1.0.2"'],
  ['ociVersion', 1, 'ociVersion: must be a version 1.x.y of the runtime spec, like "1.0.2", not 1'],
  [
    'ociVersion',
    '2.0.0',
    'ociVersion: must be a version 1.x.y of the runtime spec, like "1.0.2", not "2.0.0"',
  ],
  ['ociVersion', '1.0', 'ociVersion: must be a version 1.x.y of the runtime spec, like "1.0.2", not "1.0"'],
  ['root', undefined, 'root: missing; must be an object'],
  ['root', 'rootfs', 'root: must be an object, not "rootfs"'],
  ['root.path', undefined, 'root.path: missing; must be the path of a directory'],
  ['root.path', '', 'root.path: must be the path of a directory, not ""'],
  ['root.readonly', 'yes', 'root.readonly: must be true or false, not "yes"'],
  ['process', [], 'process: must be an object, not an empty array'],
  ['process.args', undefined, 'process.args: missing; must be an array of at least one string'],
  ['process.args', [], 'process.args: must be an array of at least one string, not an empty array'],
  ['process.args', '/bin/true', 'process.args: must be an array of at least one string, not "/bin/true"'],
  ['process.args', ['/bin/sh', '-c', 5], 'process.args[2]: must be a string, not 5'],
  ['process.args', ['/bin/sh', null], 'process.args[1]: must be a string, not null'],
  ['process.args', [''], 'process.args[0]: must name a program, not ""'],
  ['process.args', ['a\0b'], 'process.args[0]: must be free of NUL bytes, not "a\\u0000b"'],
  ['process.cwd', undefined, 'process.cwd: missing; must be an absolute path'],
  ['process.cwd', 'home', 'process.cwd: must be an absolute path, not "home"'],
  ['process.env', { A: 'b' }, 'process.env: must be an array of NAME=value strings, not an object'],
  ['process.env', ['A=1', 'B'], 'process.env[1]: must be NAME=value, not "B"'],
  ['process.env', ['=1'], 'process.env[0]: must be NAME=value, not "=1"'],
  ['process.terminal', 1, 'process.terminal: must be true or false, not 1'],
  [
    'process.consoleSize',
    { height: 24 },
    'process.consoleSize.width: missing; must be a whole number from 0 to 65535',
  ],
  ['process.user', '0:0', 'process.user: must be an object, not "0:0"'],
  [
    'process.user',
    { uid: -1, gid: 0 },
    'process.user.uid: must be a whole number from 0 to 4294967295, not -1',
  ],
  ['process.user', { uid: 0 }, 'process.user.gid: missing; must be a whole number from 0 to 4294967295'],
  ['process.rlimits', [{ ...rlimit, soft: 3 }], 'process.rlimits[0].soft: must be at most hard (2)'],
  [
    'process.rlimits',
    [rlimit, rlimit],
    'process.rlimits[1].type: "RLIMIT_NOFILE" is already in process.rlimits[0]',
  ],
  ['process.oomScoreAdj', 1001, 'process.oomScoreAdj: must be a whole number from -1000 to 1000, not 1001'],
  ['process.oomScoreAdj', 1.5, 'process.oomScoreAdj: must be a whole number from -1000 to 1000, not 1.5'],
  ['hostname', 'x'.repeat(65), `hostname: must be a host name of at most 64 bytes, not "${'x'.repeat(59)}…`],
  ['mounts', {}, 'mounts: must be an array, not an object'],
  ['mounts', [{ type: 'tmpfs' }], 'mounts[0].destination: missing; must be a path'],
  ['mounts', [{ destination: 'tmp' }], 'mounts[0].destination: must be an absolute path, not "tmp"'],
  [
    'mounts',
    [{ destination: '/tmp', options: 'ro' }],
    'mounts[0].options: must be an array of strings, not "ro"',
  ],
  [
    'mounts',
    [{ destination: '/tmp', uidMappings: [] }],
    'mounts[0].gidMappings: missing; both mappings are needed',
  ],
  ['hooks', { poststop: hook }, 'hooks.poststop: must be an array, not an object'],
  ['hooks', { poststop: [{}] }, 'hooks.poststop[0].path: missing; must be an absolute path'],
  ['hooks', { poststop: [{ path: 'true' }] }, 'hooks.poststop[0].path: must be an absolute path, not "true"'],
  [
    'hooks',
    { prestart: [{ ...hook, timeout: 0 }] },
    'hooks.prestart[0].timeout: must be a whole number of seconds above 0, not 0',
  ],
  ['hooks', { prestart: [{ ...hook, env: ['A'] }] }, 'hooks.prestart[0].env[0]: must be NAME=value, not "A"'],
  ['annotations', { 'a.b': 1 }, 'annotations["a.b"]: must be a string, not 1'],
  ['annotations', { '': 'x' }, 'annotations: name: must be a non-empty string, not ""'],
  ['linux', true, 'linux: must be an object, not true'],
  ['linux.namespaces', ['pid'], 'linux.namespaces[0]: must be an object, not "pid"'],
  [
    'linux.namespaces',
    [{ type: 'pid' }, { type: 'pid' }],
    'linux.namespaces[1].type: "pid" is already in linux.namespaces[0]',
  ],
  [
    'linux.namespaces',
    [{ type: 'pid', path: 'x' }],
    'linux.namespaces[0].path: must be an absolute path, not "x"',
  ],
  [
    'linux.uidMappings',
    [{ containerID: 0, hostID: 0 }],
    'linux.uidMappings[0].size: missing; must be a whole number from 1 to 4294967295',
  ],
  [
    'linux.devices',
    [{ type: 'c', path: '/dev/x', major: 1 }],
    'linux.devices[0].minor: missing; must be a device number',
  ],
  ['linux.cgroupsPath', 7, 'linux.cgroupsPath: must be a string, not 7'],
  [
    'linux.resources.memory',
    { limit: '1G' },
    'linux.resources.memory.limit: must be a whole number (int64), not "1G"',
  ],
  ['linux.resources.devices', [{}], 'linux.resources.devices[0].allow: missing; must be true or false'],
  [
    'linux.resources.unified',
    { 'memory.max': 5 },
    'linux.resources.unified["memory.max"]: must be a string, not 5',
  ],
  ['linux.seccomp', {}, 'linux.seccomp.defaultAction: missing; must be a SCMP_ACT_… name'],
  ['linux.sysctl', { 'net.x': 1 }, 'linux.sysctl["net.x"]: must be a string, not 1'],
  ['linux.maskedPaths', ['proc'], 'linux.maskedPaths[0]: must be an absolute path, not "proc"'],
];

describe('Bundle.open on a config.json with a name that is not known here', () => {
  for (const [field, value] of [
    ['process.capabilities', { bounding: ['UNKNOWN_CAP', 'CAP_OF_TOMORROW'] }],
    ['process.rlimits', [{ ...rlimit, type: 'RLIMIT_2030' }]],
    ['process.ioPriority', { class: 'ANOTHER' }],
    ['linux.namespaces', [{ type: 'dream' }]],
    ['linux.rootfsPropagation', 'both'],
    ['linux.seccomp', { defaultAction: 'ANOTHER_ACT', flags: ['ANOTHER_FLAG'] }],
    ['linux.tomorrow', { a: [1, { b: null }] }],
    ['tomorrow', true],
  ] as const)
    it(`leaves it to the runtime: ${field} = ${JSON.stringify(value)}`, async () => {
      await Bundle.open(writeBundle(set(smallConfig(), field, value)));
    });
});

describe('Bundle.open on a config.json with a wrong field', () => {
  for (const [field, value, message] of wrong) {
    const what = value === undefined ? `no ${field}` : `${field} = ${JSON.stringify(value).slice(0, 60)}`;
    it(`says what is wrong and what would be right: ${what}`, async () => {
      const bundle = writeBundle(set(smallConfig(), field, value));
      await assert.rejects(Bundle.open(bundle), bundleError(bundle, `config.json: ${message}`));
    });
  }

  for (const [text, shown] of [
    ['[]', 'an empty array'],
    ['null', 'null'],
    ['"x"', '"x"'],
    ['5', '5'],
  ] as const) {
    it(`refuses ${text} as a whole`, async () => {
      const bundle = writeBundle(text);
      await assert.rejects(
        Bundle.open(bundle),
        bundleError(bundle, `config.json: must be an object, not ${shown}`),
      );
    });
  }

  it('names the first five of many problems', async () => {
    const config = set(smallConfig(), 'process.args', [1, 2, 3, 4, 5, 6, 7]);
    const bundle = writeBundle(config);
    await assert.rejects(
      Bundle.open(bundle),
      bundleError(bundle, /args\[0\].*args\[4\]: [^;]*; and 2 more$/),
    );
  });

  it('refuses a host name where the host has its own', async () => {
    const config = set(set(smallConfig(), 'hostname', 'web'), 'linux.namespaces', [{ type: 'mount' }]);
    const bundle = writeBundle(config);
    await assert.rejects(
      Bundle.open(bundle),
      bundleError(bundle, 'config.json: hostname: needs a uts namespace in linux.namespaces'),
    );
  });
});

describe('Bundle.open takes', () => {
  const right: [what: string, field: string, value: unknown][] = [
    ['fields that the spec does not know', 'x-vendor', { deep: [{ any: 1 }] }],
    ['unknown fields inside of known ones', 'process.future', true],
    ['a configuration without process, as the spec allows until start', 'process', undefined],
    ['a configuration without linux', 'linux', undefined],
    ['a pre-release version', 'ociVersion', '1.0.2-dev'],
    ['a later 1.x', 'ociVersion', '1.99.0+build'],
    ['null for what is left out', 'hooks', null],
    ['an absolute root', 'root.path', '/'],
    ['an empty list of mounts', 'mounts', []],
    ['RLIM_INFINITY', 'process.rlimits', [{ type: 'RLIMIT_CORE', soft: 2 ** 64, hard: 2 ** 64 }]],
    ['no limit on memory', 'linux.resources.memory', { limit: -1 }],
    ['a FIFO device without numbers', 'linux.devices', [{ type: 'p', path: '/dev/fifo' }]],
  ];
  for (const [what, field, value] of right) {
    it(what, async () => {
      await Bundle.open(writeBundle(set(smallConfig(), field, value)));
    });
  }

  it('a relative mount destination from 1.1 on, where the spec allows it', async () => {
    const config = set(set(smallConfig(), 'ociVersion', '1.1.0'), 'mounts', [{ destination: 'tmp' }]);
    await Bundle.open(writeBundle(config));
  });
});

describe('Bundle.open on a root file system', () => {
  it('that is missing names where it looked', async () => {
    const bundle = writeBundle(set(smallConfig(), 'root.path', '../nowhere'));
    const looked = path.resolve(bundle, '../nowhere');
    const message = `root.path: must be a directory (absolute, or relative to the bundle); ${looked} does not exist`;
    await assert.rejects(Bundle.open(bundle), bundleError(bundle, message));
  });

  it('that is a file says so', async () => {
    const bundle = writeBundle(set(smallConfig(), 'root.path', 'file'));
    writeFileSync(path.join(bundle, 'file'), '');
    await assert.rejects(Bundle.open(bundle), bundleError(bundle, /root\.path: .*file is not a directory$/));
  });
});
