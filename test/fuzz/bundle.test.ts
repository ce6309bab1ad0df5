import assert from 'node:assert/strict';
import { describe } from 'node:test';
import * as fc from 'fast-check';
import { checkConfig } from '../../src/bundle/check';
import { findJsonFault, toJson } from '../../src/bundle/json';
import { RuntimeError } from '../../src/errors';
import { holds, parsed } from './property';
import { fileOf, oddlyFilled, oddValue } from './texts';

const isInvalid = (error: unknown): boolean =>
  error instanceof RuntimeError && error.code === 'ERR_INVALID_BUNDLE';

const kConfig = {
  ociVersion: '1.0.2',
  process: {
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [5] },
    args: ['/bin/sh', '-c', 'true'],
    env: ['PATH=/bin'],
    cwd: '/',
    capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    oomScoreAdj: 100,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'a',
  mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] }],
  hooks: { prestart: [{ path: '/bin/true', args: ['true'], env: [], timeout: 5 }] },
  annotations: { a: 'b' },
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'uts' }, { type: 'mount', path: '/proc/1/ns/mnt' }],
    uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    cgroupsPath: '/a',
    resources: { memory: { limit: 1_000_000 }, cpu: { shares: 10, cpus: '0-1' }, pids: { limit: 5 } },
    seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['ptrace'], action: 'SCMP_ACT_ERRNO' }] },
    maskedPaths: ['/proc/kcore'],
    sysctl: { 'net.ipv4.ip_forward': '1' },
  },
};

function isFrozenInDepth(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozenInDepth);
}

/** What toJson's text means: what is above 2^64-1 is written as that, which a double rounds to 2^64. JSON has no -0. */
function clamped(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
    typeof item === 'number' && Number.isInteger(item) ? Math.min(item, 2 ** 64) : item,
  );
}

describe('bundles of any content', () => {
  holds(
    'checkConfig: a frozen configuration that it takes again, or ERR_INVALID_BUNDLE',
    fc.oneof(oddlyFilled(kConfig), oddValue).map((value) => JSON.stringify(value)),
    (text) => {
      const check = (): unknown => checkConfig('open', '/b', JSON.parse(text));
      const config = parsed(check, isInvalid);
      if (config === null) return;
      assert.ok(isFrozenInDepth(config));
      assert.deepEqual(checkConfig('open', '/b', JSON.parse(toJson(config))), clamped(config));
    },
  );

  holds(
    'findJsonFault: a place for what JSON.parse refuses, and none for what it takes',
    fileOf(oddlyFilled(kConfig)),
    (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      const fault = findJsonFault(text);
      assert.equal(fault === undefined, isJson, JSON.stringify(fault));
      if (fault === undefined) return;
      assert.ok(fault.line >= 1 && fault.line <= text.split('\n').length, `line ${fault.line}`);
      assert.ok(fault.column >= 1, `column ${fault.column}`);
    },
  );

  holds('toJson: JSON that means the same', oddValue, (value) => {
    assert.deepEqual(JSON.parse(toJson(value)), clamped(value));
  });
});
