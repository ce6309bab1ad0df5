import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { makeConfig } from '../../src/bundle/make-config';
import type { BundleSpec } from '../../src/bundle/spec';
import type { OciConfig } from '../../src/oci';

const root = { cgroupVersion: 1, euid: 0, egid: 0 } as const;
const user = { cgroupVersion: 2, euid: 1000, egid: 1001 } as const;

function make(spec: Partial<BundleSpec> = {}, machine: Parameters<typeof makeConfig>[1] = root): OciConfig {
  return makeConfig({ rootfs: 'rootfs', args: ['/bin/true'], ...spec }, machine);
}

function namespaces(config: OciConfig): string {
  return (config.linux?.namespaces ?? [])
    .map(({ type, path }) => (path ? `${type}:${path}` : type))
    .join(' ');
}

function destinations(config: OciConfig): string {
  return (config.mounts ?? []).map(({ destination }) => destination).join(' ');
}

function mountAt(config: OciConfig, destination: string) {
  return config.mounts?.find((mount) => mount.destination === destination);
}

const kDefaultMounts = '/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup';

describe('makeConfig without more than a root and a command', () => {
  it('makes what runc spec makes', () => {
    const { process, ...config } = make();
    assert.equal(config.ociVersion, '1.0.2');
    assert.deepEqual(config.root, { path: 'rootfs', readonly: true });
    assert.deepEqual(process?.env, ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']);
    assert.deepEqual(process?.user, { uid: 0, gid: 0 });
    assert.equal(process?.cwd, '/');
    assert.equal(process?.terminal, false);
    assert.equal(process?.noNewPrivileges, true);
    assert.equal(namespaces(config), 'pid network ipc uts mount');
    assert.equal(destinations(config), kDefaultMounts);
    assert.deepEqual(config.linux?.resources, { devices: [{ allow: false, access: 'rwm' }] });
    assert.ok(config.linux?.maskedPaths?.includes('/proc/kcore'));
    assert.ok(config.linux?.readonlyPaths?.includes('/proc/sys'));
  });

  it('leaves the host name and the cgroup to the runtime', () => {
    const config = make();
    assert.ok(!('hostname' in config));
    assert.ok(!('cgroupsPath' in (config.linux ?? {})));
  });

  it('grants few capabilities, and none that survive an exec by another user', () => {
    const { ambient, inheritable, bounding } = make().process?.capabilities ?? {};
    assert.deepEqual([ambient, inheritable], [undefined, undefined]);
    assert.deepEqual(bounding, ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']);
  });

  it('adds a cgroup namespace on a machine with cgroup v2 only', () => {
    assert.equal(namespaces(make({}, { ...root, cgroupVersion: 2 })), 'pid network ipc uts mount cgroup');
  });
});

describe('makeConfig for a user without privileges', () => {
  it('makes a user namespace with them as its root, and keeps to what they may do', () => {
    const config = make({}, user);
    assert.equal(namespaces(config), 'pid ipc uts mount cgroup user');
    assert.deepEqual(config.linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
    assert.deepEqual(config.linux?.gidMappings, [{ containerID: 0, hostID: 1001, size: 1 }]);
    assert.equal(mountAt(config, '/sys')?.source, '/sys');
    assert.ok(!mountAt(config, '/dev/pts')?.options?.includes('gid=5'));
    assert.equal(config.linux?.resources, undefined);
  });

  it('keeps mappings and resources that are given', () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const config = make(
      { uidMappings: mappings, gidMappings: mappings, resources: { pids: { limit: 9 } } },
      user,
    );
    assert.deepEqual(config.linux?.uidMappings, mappings);
    assert.deepEqual(config.linux?.resources, { pids: { limit: 9 } });
    assert.ok(mountAt(config, '/dev/pts')?.options?.includes('gid=5'));
  });

  it('can be asked for by root and refused by others', () => {
    assert.equal(namespaces(make({ rootless: true })), 'pid ipc uts mount user');
    assert.equal(
      namespaces(make({ rootless: false }, { ...user, cgroupVersion: 1 })),
      'pid network ipc uts mount',
    );
  });
});

describe('makeConfig takes', () => {
  it('the environment by name or as a list, and adds PATH and TERM only where they are not given', () => {
    assert.deepEqual(make({ env: { A: 'b=c', PATH: '/bin', NONE: undefined } }).process?.env, [
      'A=b=c',
      'PATH=/bin',
    ]);
    assert.deepEqual(make({ env: ['PATH=/x', 'TERM=dumb'], terminal: true }).process?.env, [
      'PATH=/x',
      'TERM=dumb',
    ]);
    assert.equal(make({ env: [], terminal: true }).process?.env?.at(-1), 'TERM=xterm');
  });

  it('a user as text or as an object', () => {
    assert.deepEqual(make({ user: '1000:1001' }).process?.user, { uid: 1000, gid: 1001 });
    assert.deepEqual(make({ user: '1000', umask: 0o22 }).process?.user, { uid: 1000, gid: 0, umask: 18 });
    const full = { uid: 1, gid: 2, umask: 0o77, additionalGids: [5] };
    assert.deepEqual(make({ user: full }).process?.user, full);
  });

  it('a list of capabilities, which a user other than root keeps over exec', () => {
    const list = ['CAP_NET_RAW'];
    const sets = { bounding: list, effective: list, permitted: list };
    assert.deepEqual(make({ capabilities: list }).process?.capabilities, sets);
    const kept = { ...sets, inheritable: list, ambient: list };
    assert.deepEqual(make({ capabilities: list, user: '1:1' }).process?.capabilities, kept);
    assert.deepEqual(make({ capabilities: { bounding: list } }).process?.capabilities, { bounding: list });
    assert.deepEqual(make({ capabilities: [] }).process?.capabilities, {
      bounding: [],
      effective: [],
      permitted: [],
    });
  });

  it('Infinity as no limit', () => {
    const rlimits = [{ type: 'RLIMIT_CORE', soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }];
    assert.deepEqual(make({ rlimits }).process?.rlimits, [
      { type: 'RLIMIT_CORE', soft: 2 ** 64, hard: 2 ** 64 },
    ]);
  });

  it('mounts after the default ones, or in the place of one', () => {
    const shm = { destination: '/dev/shm/', type: 'tmpfs', source: 'shm', options: ['size=1m'] };
    const data = { destination: '/data', source: '/srv', options: ['rbind', 'ro'] };
    const config = make({ mounts: [data, shm] });
    assert.equal(destinations(config), `${kDefaultMounts.replace('shm', 'shm/')} /data`);
    assert.deepEqual(mountAt(config, '/dev/shm/'), shm);
    assert.equal(destinations(make({ mounts: [data], defaultMounts: false })), '/data');
    assert.equal(destinations(make({ cgroupMount: false })), kDefaultMounts.replace(' /sys/fs/cgroup', ''));
  });

  it('two mounts on one default destination, in their order', () => {
    const mounts = [1, 2].map((n) => ({ destination: '/dev/shm', type: 'tmpfs', source: `shm${n}` }));
    const sources = make({ mounts })
      .mounts?.map(({ source }) => source)
      .join(' ');
    assert.equal(sources, 'proc tmpfs devpts shm1 mqueue sysfs cgroup shm2');
  });

  it('namespaces to make and to join, instead of the default ones', () => {
    const config = make({ namespaces: ['pid', 'mount', { type: 'network', path: '/run/netns/a' }] });
    assert.equal(namespaces(config), 'pid mount network:/run/netns/a');
  });

  it('a user namespace, with a bind of /sys where sysfs could not be mounted', () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const own = make({ uidMappings: mappings, gidMappings: mappings });
    assert.equal(namespaces(own), 'pid network ipc uts mount user');
    assert.equal(mountAt(own, '/sys')?.type, 'sysfs');
    const shared = make({
      namespaces: ['pid', 'mount', 'user'],
      uidMappings: mappings,
      gidMappings: mappings,
    });
    assert.equal(mountAt(shared, '/sys')?.source, '/sys');
  });

  it('resources, and denies other devices than those of the specification unless told', () => {
    const memory = { limit: 1 << 20 };
    const fuse = { type: 'c', path: '/dev/fuse', major: 10, minor: 229 } as const;
    assert.deepEqual(make({ resources: { memory }, devices: [fuse] }).linux?.resources, {
      memory,
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' },
      ],
    });
    assert.deepEqual(make({ resources: { devices: [] } }).linux?.resources, { devices: [] });
  });

  it('everything else as it is', () => {
    const hooks = { createRuntime: [{ path: '/bin/true', timeout: 1 }] };
    const config = make({
      rootfs: { path: '/', readonly: false },
      hostname: 'web',
      cwd: '/tmp',
      hooks,
      annotations: { a: 'b' },
      oomScoreAdj: 5,
      noNewPrivileges: false,
      cgroupsPath: '/a/b',
      sysctl: { 'net.ipv4.ip_forward': '1' },
      rootfsPropagation: 'slave',
      maskedPaths: [],
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
      personality: { domain: 'LINUX32' },
    });
    assert.deepEqual(config.root, { path: '/', readonly: false });
    assert.deepEqual([config.hostname, config.hooks, config.annotations], ['web', hooks, { a: 'b' }]);
    assert.deepEqual(
      [config.process?.cwd, config.process?.oomScoreAdj, config.process?.noNewPrivileges],
      ['/tmp', 5, false],
    );
    const { cgroupsPath, sysctl, rootfsPropagation, maskedPaths, seccomp, personality } = config.linux ?? {};
    assert.deepEqual(
      [cgroupsPath, sysctl, rootfsPropagation, maskedPaths, seccomp, personality],
      [
        '/a/b',
        { 'net.ipv4.ip_forward': '1' },
        'slave',
        [],
        { defaultAction: 'SCMP_ACT_ALLOW' },
        { domain: 'LINUX32' },
      ],
    );
  });

  it('null for what is not given, as from JSON', () => {
    const nothing = {
      env: null,
      user: null,
      mounts: null,
      resources: null,
      capabilities: null,
      hooks: null,
      cwd: null,
    };
    assert.deepEqual(make(nothing as unknown as BundleSpec).process, make().process);
  });

  it('frozen objects, and keeps none of the caller', () => {
    const args = Object.freeze(['/bin/true']);
    const hooks = Object.freeze({ poststop: [] });
    const config = make({ args, hooks });
    assert.notEqual(config.hooks, hooks);
    assert.notEqual(config.process?.args, args);
  });
});

describe('makeConfig refuses', () => {
  const type = ['TypeError', 'ERR_INVALID_ARG_TYPE'] as const;
  const value = ['TypeError', 'ERR_INVALID_ARG_VALUE'] as const;
  const range = ['RangeError', 'ERR_OUT_OF_RANGE'] as const;
  const mapping = { containerID: 0, hostID: 0, size: 1 };
  const cases: [spec: object, name: string, code: string, message: string | RegExp][] = [
    [{ args: undefined }, ...type, 'spec.args: missing; must be an array of at least one string'],
    [{ args: 'sh' }, ...type, 'spec.args: must be an array of at least one string, not "sh"'],
    [{ args: [] }, ...value, 'spec.args: must be an array of at least one string, not an empty array'],
    [{ args: ['a', 1] }, ...type, 'spec.args[1]: must be a string, not 1'],
    [{ args: [''] }, ...value, 'spec: process.args[0]: must name a program, not ""'],
    [{ args: ['a\0'] }, ...value, 'spec.args[0]: must be free of NUL bytes, not "a\\u0000"'],
    [{ rootfs: 5 }, ...type, 'spec.rootfs: must be a path or {path, readonly}, not 5'],
    [{ rootfs: {} }, ...type, 'spec.rootfs.path: missing; must be a non-empty string'],
    [
      { rootfs: { path: '/', readOnly: true } },
      ...value,
      "spec.rootfs.readOnly: unknown; did you mean 'readonly'?",
    ],
    [{ enviroment: {} }, ...value, /^spec\.enviroment: unknown; known are rootfs, args, env, /],
    [{ env: { 'A=B': 'c' } }, ...value, 'spec.env: name: must be non-empty and without "=", not "A=B"'],
    [{ env: { A: 1 } }, ...type, 'spec.env.A: must be a string, not 1'],
    [{ env: ['A'] }, ...value, 'spec.env[0]: must be NAME=value, not "A"'],
    [{ env: 'A=b' }, ...type, 'spec.env: must be an object or an array of NAME=value strings, not "A=b"'],
    [{ cwd: 'tmp' }, ...value, 'spec.cwd: must be an absolute path, not "tmp"'],
    [
      { user: 'nobody' },
      ...value,
      'spec.user: must be numeric, "uid:gid" or "uid" (the runtimes look up no names), not "nobody"',
    ],
    [{ user: '4294967296' }, ...value, /^spec\.user: must be numeric/],
    [{ user: 0 }, ...type, /^spec\.user: must be numeric/],
    [{ umask: 0o1000 }, ...range, 'spec.umask: must be a whole number from 0 to 0o777 (511), not 512'],
    [
      { mounts: [{ destination: 'x' }] },
      ...value,
      'spec.mounts[0].destination: must be an absolute path, not "x"',
    ],
    [{ namespaces: ['net'] }, ...value, /^spec\.namespaces\[0\]: must be one of pid, .*, not "net"$/],
    [
      { namespaces: ['pid', { type: 'pid' }] },
      ...value,
      'spec.namespaces[1].type: "pid" is already in spec.namespaces[0]',
    ],
    [
      { namespaces: ['user'] },
      ...value,
      'spec.uidMappings: missing; a new user namespace needs uidMappings and gidMappings',
    ],
    [{ uidMappings: [mapping] }, ...value, 'spec.gidMappings: missing; both mappings are needed'],
    [
      { hostname: 'a', namespaces: ['mount'] },
      ...value,
      'spec: hostname: needs a uts namespace in linux.namespaces',
    ],
    [
      { resources: { memory: { limit: Number.NaN } } },
      ...range,
      'spec.resources.memory.limit: must be a whole number (int64), not NaN',
    ],
    [
      { resources: { cpu: { shares: 2n } } },
      ...type,
      'spec.resources.cpu.shares: must be a whole number, 0 or more (uint64), not 2',
    ],
    [
      { rlimits: [{ type: 'RLIMIT_CORE', soft: -1, hard: 0 }] },
      ...range,
      'spec.rlimits[0].soft: must be a whole number, 0 or more (uint64), not -1',
    ],
    [
      { consoleSize: { height: 1e9, width: 1 } },
      ...range,
      'spec.consoleSize.height: must be a whole number from 0 to 65535, not 1000000000',
    ],
    [
      { hooks: { poststart: [{ path: 'x' }] } },
      ...value,
      'spec.hooks.poststart[0].path: must be an absolute path, not "x"',
    ],
    [{ resources: { vendor: 1n } }, ...value, /^spec: cannot be written as JSON: .*BigInt/],
  ];
  for (const [spec, name, code, message] of cases) {
    const what = inspect(spec, { breakLength: Number.POSITIVE_INFINITY });
    it(`${what} with a ${name}`, () => {
      assert.throws(() => make(spec), { name, code, message });
    });
  }

  for (const spec of [undefined, null, 'x', [], 5]) {
    it(`${JSON.stringify(spec)} instead of a spec`, () => {
      const given = spec as unknown as BundleSpec;
      assert.throws(() => makeConfig(given, root), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
        message: /^spec: must be an object, not /,
      });
    });
  }
});
