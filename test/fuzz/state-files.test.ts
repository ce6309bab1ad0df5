import assert from 'node:assert/strict';
import { describe } from 'node:test';
import * as fc from 'fast-check';
import { parseCrunConfig, parseCrunStatus } from '../../src/direct/crun/state-file';
import { runcRules } from '../../src/direct/runc/rules';
import { parseRuncState } from '../../src/direct/runc/state-file';
import { memberSpans } from '../../src/system/json-spans';
import { parseProcessStat } from '../../src/system/process-stat';
import { Unfamiliar } from '../../src/system/unfamiliar';
import { holds, parsed } from './property';
import { damaged, fileOf, oddlyFilled } from './texts';

const isUnfamiliar = (error: unknown): boolean => error instanceof Unfamiliar;

const kStatus = {
  pid: 6872,
  'process-start-time': 92154,
  'cgroup-path': '/a/b',
  scope: '',
  intelrdt: '',
  rootfs: 'rootfs',
  'systemd-cgroup': false,
  bundle: '/b":u',
  created: '2026-11-24T11:49:49.982477Z',
  owner: 'root',
  detached: true,
  external_descriptors: '["/dev/null","a\\": b"]',
};

const kConfig = {
  ociVersion: '1.0.2',
  annotations: { a: 'b' },
  hooks: { poststart: [{ path: '/bin/true' }], poststop: [] },
  linux: { namespaces: [{ type: 'pid' }, { type: 'mount', path: '/proc/1/ns/mnt' }], intelRdt: {} },
};

const kState = {
  id: 'a',
  init_process_pid: 4711,
  init_process_start: 92154,
  created: '2026-11-24T11:49:49.982477Z',
  config: {
    no_pivot_root: false,
    rootfs: '/b/rootfs',
    umask: null,
    namespaces: [{ type: 'NEWPID', path: '' }],
    cgroups: { Systemd: false, unified: null, path: '/a' },
    labels: ['bundle=/b', 'k=v=w', 'x'],
    Hooks: { poststop: null },
    intel_rdt: null,
    version: '1.0.2-dev',
  },
  rootless: false,
  cgroup_paths: { freezer: '/sys/fs/cgroup/freezer/a', '': '/sys/fs/cgroup/a/b' },
  namespace_paths: {},
  external_descriptors: ['/dev/null'],
  intel_rdt_path: '',
};

function assertProcess({ pid, startTime }: { pid: number; startTime: number }): void {
  assert.ok(Number.isSafeInteger(pid) && pid > 0, `pid ${pid}`);
  assert.ok(Number.isSafeInteger(startTime) && startTime > 0, `start time ${startTime}`);
}

function assertStrings(record: Record<string, string> | undefined): void {
  for (const value of Object.values(record ?? {})) assert.equal(typeof value, 'string');
}

describe('state files of any content', () => {
  holds(
    'crun’s status: taken with every value of its type and no key twice, or unfamiliar',
    fileOf(oddlyFilled(kStatus)),
    (text) => {
      const status = parsed(() => parseCrunStatus(text, 'status'), isUnfamiliar);
      if (status === null) return;
      assertProcess(status);
      for (const key of ['cgroupPath', 'rootfs', 'bundle', 'created'] as const)
        assert.equal(typeof status[key], 'string', key);
      assert.notEqual(memberSpans(text, text.indexOf('{')), null, 'a key twice');
    },
    // A key twice, hidden by a value written as crun would not.
    [`${JSON.stringify(kStatus).slice(0, -1)},"owner":"\\u0022:","pid":1}`],
  );

  holds('crun’s config.json', fileOf(oddlyFilled(kConfig)), (text) => {
    const config = parsed(() => parseCrunConfig(text, 'config.json'), isUnfamiliar);
    if (config !== null) assertStrings(config.annotations);
  });

  for (const [isUnified, minor] of [
    [false, 1],
    [true, 1],
    [false, 5],
    [true, 5],
  ] as const) {
    const rules = runcRules(minor);
    const name = `runc’s state.json, 1.${minor}, cgroup ${isUnified ? 'v2' : 'v1'}`;
    holds(name, fileOf(oddlyFilled(kState)), (text) => {
      const state = parsed(() => parseRuncState(text, 'state.json', isUnified, rules), isUnfamiliar);
      if (state === null) return;
      assertProcess(state);
      assertStrings(state.annotations);
      for (const directory of state.cgroupDirectories)
        assert.match(directory, /^\/sys\/fs\/cgroup\/(?!.*\/\.\.?(\/|$)).+/s, directory);
      assert.equal(Number.isNaN(Date.parse(state.created)), false, state.created);
    });
  }

  holds(
    '/proc/<pid>/stat: what the kernel writes, whatever the command is called',
    fc.uint8Array({ maxLength: 64 }),
    (name) => {
      const rest = ' S 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 92154 4096 1';
      const line = Buffer.concat([Buffer.from('42 ('), name, Buffer.from(`)${rest}\n`)]);
      assert.deepEqual(parseProcessStat(line, line.length), { state: 0x53, startTime: 92154 });
    },
    [Buffer.from(') Z 1 (')],
  );

  holds(
    '/proc/<pid>/stat: any other text is taken or unfamiliar',
    damaged(fc.constant('42 (sleep) S 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 92154 4096 1')),
    (text) => {
      const buffer = Buffer.from(text, 'latin1');
      const stat = parsed(() => parseProcessStat(buffer, buffer.length), isUnfamiliar);
      if (stat !== null) assert.equal(typeof stat.startTime, 'number');
    },
  );
});
