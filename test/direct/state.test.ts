import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseCrunConfig, parseCrunStatus } from '../../src/direct/crun/state-file';
import { runcRules } from '../../src/direct/runc/rules';
import { parseRuncState } from '../../src/direct/runc/state-file';
import { ParsedFile } from '../../src/system/parsed-file';
import { isAlive, parseProcessStat } from '../../src/system/process-stat';
import { attempt, Unfamiliar } from '../../src/system/unfamiliar';
import { temporaryDirectory } from '../helpers/temporary';

const kUnfamiliar = { name: 'Unfamiliar' };

function stat(text: string): { state: string; startTime: number } {
  const buffer = Buffer.from(text);
  const { state, startTime } = parseProcessStat(buffer, buffer.length);
  return { state: String.fromCharCode(state), startTime };
}

const kRest = 'S 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 92154 4096 1';

describe('parseProcessStat', () => {
  it('finds the state and the start time', () => {
    assert.deepEqual(stat(`42 (sleep) ${kRest}`), { state: 'S', startTime: 92154 });
  });

  it('is not led astray by a command with parentheses, spaces and digits', () => {
    assert.deepEqual(stat(`42 (a) R 1 2 (b) ${kRest}`), { state: 'S', startTime: 92154 });
  });

  it('refuses a text that is cut off', () => {
    assert.throws(() => stat('42 (sleep'), kUnfamiliar);
    assert.throws(() => stat('42 (sleep) S 1 42'), kUnfamiliar);
  });
});

describe('isAlive', () => {
  const code = (letter: string): number => letter.charCodeAt(0);

  it('says no for a zombie, a dead process, another start time and none at all', () => {
    assert.equal(isAlive({ state: code('S'), startTime: 5 }, 5), true);
    assert.equal(isAlive({ state: code('T'), startTime: 5 }, 5), true);
    assert.equal(isAlive({ state: code('Z'), startTime: 5 }, 5), false);
    assert.equal(isAlive({ state: code('X'), startTime: 5 }, 5), false);
    assert.equal(isAlive({ state: code('S'), startTime: 6 }, 5), false);
    assert.equal(isAlive(null, 5), false);
  });
});

const kStatus = {
  pid: 6872,
  'process-start-time': 92154,
  'cgroup-path': '/a/b',
  scope: '',
  rootfs: 'rootfs',
  'systemd-cgroup': false,
  bundle: '/b":u',
  created: '2026-11-24T11:49:49.982477Z',
  owner: 'root',
  detached: true,
  external_descriptors: '["/dev/null","a\\": b"]',
};

describe('parseCrunStatus', () => {
  const parse = (status: object): unknown => parseCrunStatus(JSON.stringify(status, null, 4), 'status');

  it('takes what crun 1.8.1 and 1.21 write', () => {
    const expected = {
      pid: 6872,
      startTime: 92154,
      cgroupPath: '/a/b',
      scope: '',
      rootfs: 'rootfs',
      bundle: '/b":u',
      created: '2026-11-24T11:49:49.982477Z',
      owner: 'root',
      hasSystemdCgroup: false,
      hasIntelRdt: false,
    };
    assert.deepEqual(parse(kStatus), expected);
    assert.deepEqual(parse({ ...kStatus, intelrdt: '' }), expected);
    assert.deepEqual(parse({ ...kStatus, intelrdt: '/x' }), { ...expected, hasIntelRdt: true });
  });

  it('refuses an unknown key, a key that comes twice, a wrong type and half a file', () => {
    assert.throws(() => parse({ ...kStatus, 'new-key': 1 }), kUnfamiliar);
    assert.throws(() => parseCrunStatus(JSON.stringify(kStatus).replace('{', '{"pid":1,'), ''), kUnfamiliar);
    assert.throws(() => parse({ ...kStatus, pid: '1' }), kUnfamiliar);
    assert.throws(() => parse({ ...kStatus, pid: 0 }), kUnfamiliar);
    assert.throws(() => parse({ ...kStatus, 'process-start-time': undefined }), kUnfamiliar);
    assert.throws(() => parseCrunStatus(JSON.stringify(kStatus).slice(0, 100), ''), kUnfamiliar);
    assert.throws(() => parseCrunStatus('[]', ''), kUnfamiliar);
    assert.throws(() => parse({ ...kStatus, bundle: 'a\0b' }), kUnfamiliar);
  });
});

describe('parseCrunConfig', () => {
  const parse = (config: object): unknown => parseCrunConfig(JSON.stringify(config), 'config.json');
  const kPlain = {
    annotations: undefined,
    hasPrivatePidNamespace: false,
    hasPoststartHooks: false,
    hasPoststopHooks: false,
    hasIntelRdt: false,
  };

  it('tells hooks, annotations and a private pid namespace', () => {
    assert.deepEqual(parse({}), kPlain);
    assert.deepEqual(parse({ annotations: {}, hooks: { poststop: [] } }), kPlain);
    assert.deepEqual(
      parse({ hooks: { poststart: [{}], poststop: [{}] }, annotations: { __proto__x: 'a' } }),
      {
        ...kPlain,
        annotations: { __proto__x: 'a' },
        hasPoststartHooks: true,
        hasPoststopHooks: true,
      },
    );
    const withNamespaces = (namespaces: object[]): object => ({ linux: { namespaces } });
    assert.deepEqual(parse(withNamespaces([{ type: 'pid' }])), { ...kPlain, hasPrivatePidNamespace: true });
    assert.deepEqual(parse(withNamespaces([{ type: 'pid', path: '/proc/1/ns/pid' }])), kPlain);
    assert.deepEqual(parse(withNamespaces([{ type: 'mount' }])), kPlain);
    assert.deepEqual(parse({ linux: { intelRdt: {} } }), { ...kPlain, hasIntelRdt: true });
  });

  it('refuses what crun would not have taken', () => {
    assert.throws(() => parse({ annotations: { a: 1 } }), kUnfamiliar);
    assert.throws(() => parse({ hooks: [] }), kUnfamiliar);
    assert.throws(() => parse({ hooks: { poststart: {} } }), kUnfamiliar);
  });
});

const kRuncState = {
  id: 'c1',
  init_process_pid: 6903,
  init_process_start: 92188,
  created: '2026-11-24T11:49:50.311784768Z',
  config: {
    rootfs: '/b/rootfs',
    namespaces: [{ type: 'NEWPID', path: '' }],
    cgroups: { path: '/dx/c1', unified: null, Systemd: false, Rootless: false },
    Hooks: { poststop: null, prestart: null },
    version: '1.0.2-dev',
    labels: ['a.b=c=d', 'noequals', 'bundle=/b'],
  },
  rootless: false,
  cgroup_paths: { devices: '/sys/fs/cgroup/devices/dx/c1', freezer: '/sys/fs/cgroup/freezer/dx/c1' },
  namespace_paths: {},
  intel_rdt_path: '',
};

describe('parseRuncState', () => {
  const parse = (state: object, isUnified = false, minor = 1): ReturnType<typeof parseRuncState> =>
    parseRuncState(JSON.stringify(state), 'state.json', isUnified, runcRules(minor));
  const withConfig = (config: object): object => ({
    ...kRuncState,
    config: { ...kRuncState.config, ...config },
  });

  it('takes what runc 1.1 writes', () => {
    const { freezer, ...rest } = parse(kRuncState);
    assert.equal(freezer?.file, '/sys/fs/cgroup/freezer/dx/c1/freezer.state');
    assert.deepEqual(rest, {
      pid: 6903,
      startTime: 92188,
      ociVersion: '1.0.2-dev',
      rootfs: '/b/rootfs',
      bundle: '/b',
      created: '2026-11-24T11:49:50.311784768Z',
      annotations: { 'a.b': 'c=d' },
      cgroupDirectories: ['/sys/fs/cgroup/devices/dx/c1', '/sys/fs/cgroup/freezer/dx/c1'],
      hasPrivatePidNamespace: true,
      hasPoststopHooks: false,
      hasIntelRdt: false,
    });
    const unified = parse({ ...kRuncState, cgroup_paths: { '': '/sys/fs/cgroup/dx/c1' } }, true);
    assert.equal(unified.freezer?.file, '/sys/fs/cgroup/dx/c1/cgroup.freeze');
  });

  it('takes what a newer version writes, or leaves out, from that version on only', () => {
    const { cgroups: _, ...config } = kRuncState.config;
    const cgroups = { path: '/dx/c1' };
    const { intel_rdt_path: __, rootless: ___, ...state } = kRuncState;
    const { freezer: ____, ...expected } = parse(kRuncState);
    for (const [minor, written] of [
      [2, withConfig({ domainname: '', personality: { domain: 'LINUX' } })],
      [3, withConfig({ domainname: '', cgroups, exec_cpu_affinity: {} })],
      [4, { ...state, config: { ...config, cgroups, namespaces: [{ type: 'NEWPID' }], memory_policy: {} } }],
    ] as const) {
      assert.throws(() => parse(written, false, minor - 1), kUnfamiliar);
      for (const later of [minor, 5]) {
        const { freezer: _____, ...rest } = parse(written, false, later);
        assert.deepEqual(rest, expected);
      }
    }
    assert.equal(parse({ ...kRuncState, intel_rdt_mon_path: '/x' }, false, 4).hasIntelRdt, true);
    const systemd = withConfig({ cgroups: { path: '/a/b', Systemd: true } });
    assert.throws(() => parse(systemd, false, 5), kUnfamiliar);
  });

  it('tells a shared pid namespace, poststop hooks and Intel RDT', () => {
    assert.equal(parse(withConfig({ namespaces: [] })).hasPrivatePidNamespace, false);
    const joined = [{ type: 'NEWPID', path: '/proc/1/ns/pid' }];
    assert.equal(parse(withConfig({ namespaces: joined })).hasPrivatePidNamespace, false);
    assert.equal(parse(withConfig({ Hooks: { poststop: [{ path: '/x' }] } })).hasPoststopHooks, true);
    assert.equal(parse({ ...kRuncState, intel_rdt_path: '/sys/fs/resctrl/c1' }).hasIntelRdt, true);
  });

  it('refuses what another version may have written', () => {
    assert.throws(() => parse({ ...kRuncState, newer: 1 }), kUnfamiliar);
    assert.throws(() => parse(withConfig({ newer: 1 })), kUnfamiliar);
    assert.throws(() => parse(withConfig({ labels: 'x' })), kUnfamiliar);
    assert.throws(
      () => parse(withConfig({ cgroups: { ...kRuncState.config.cgroups, Systemd: true } })),
      kUnfamiliar,
    );
    assert.throws(() => parse({ ...kRuncState, created: '2026-11-24T11:49:50.310Z' }), kUnfamiliar);
    assert.throws(
      () => parse({ ...kRuncState, cgroup_paths: { devices: '/sys/fs/cgroup/devices/../x' } }),
      kUnfamiliar,
    );
    assert.throws(() => parse({ ...kRuncState, cgroup_paths: { devices: '/etc/a/b/c' } }), kUnfamiliar);
    assert.throws(
      () => parse({ ...kRuncState, cgroup_paths: { devices: '/sys/fs/cgroup/devices' } }),
      kUnfamiliar,
    );
    assert.throws(() => parse(kRuncState, true), kUnfamiliar);
  });
});

describe('ParsedFile', () => {
  it('parses once, and anew when the file is replaced', () => {
    const path = `${temporaryDirectory()}/file`;
    let parsed = 0;
    const file = new ParsedFile(path, (text) => {
      parsed++;
      return text;
    });
    assert.equal(file.read(), undefined);
    writeFileSync(path, 'one');
    assert.equal(file.read(), 'one');
    assert.equal(file.read(), 'one');
    assert.equal(parsed, 1);
    writeFileSync(`${path}.tmp`, 'two');
    renameSync(`${path}.tmp`, path);
    assert.equal(file.read(), 'two');
    rmSync(path);
    assert.equal(file.read(), undefined);
  });

  it('refuses what is not UTF-8', () => {
    const path = `${temporaryDirectory()}/file`;
    writeFileSync(path, Buffer.from([0x22, 0xff, 0x22]));
    assert.throws(() => new ParsedFile(path, (text) => text).read(), kUnfamiliar);
  });
});

describe('attempt', () => {
  it('turns what is unfamiliar and failed system calls into a reason', () => {
    const thrown = attempt(() => {
      throw new Unfamiliar('odd');
    });
    assert.deepEqual(thrown, { done: false, why: 'odd' });
    const failed = attempt(() => {
      rmSync('/nonexistent/file');
    });
    assert.equal(failed.done, false);
    assert.match(failed.done ? '' : failed.why, /ENOENT/);
  });

  it('lets a bug of ours through', () => {
    assert.throws(() => attempt(() => JSON.parse('{')), SyntaxError);
  });
});
