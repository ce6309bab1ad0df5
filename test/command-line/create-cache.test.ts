import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { CreateCache, hideFilter, kFilterAnnotation } from '../../src/command-line/create-cache';
import { Cli } from '../../src/proof/differential/cli';
import { until } from '../direct/fixture';
import { kind, needsRuntime, runtime } from '../helpers/environment';
import { sharedRootfs } from '../helpers/rootfs';
import { temporaryDirectory } from '../helpers/temporary';

/** All that a kernel of this machine runs, as container engines list them. */
function architecturesOf(arch: string): string[] {
  switch (arch) {
    case 'x64':
      return ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];
    case 'arm64':
      return ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'];
    default:
      return ['SCMP_ARCH_ARM'];
  }
}

const kProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 38,
  architectures: architecturesOf(process.arch),
  syscalls: [
    {
      names: [
        ...['read', 'write', 'open', 'openat', 'close', 'stat', 'fstat', 'mmap', 'mprotect', 'munmap', 'brk'],
        ...['rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'execve', 'exit', 'exit_group', 'getpid'],
        ...['arch_prctl', 'set_tid_address', 'set_robust_list', 'rseq', 'prlimit64', 'readlink', 'getrandom'],
        ...['nanosleep', 'clock_nanosleep', 'uname', 'getuid', 'prctl', 'newfstatat', 'fcntl', 'poll'],
        ...['capget', 'capset', 'setgroups', 'setgid', 'setuid', 'setresuid', 'setresgid', 'chdir', 'umask'],
        ...[
          'select',
          'pselect6',
          'futex',
          'getdents64',
          'dup2',
          'dup3',
          'fchown',
          'ioctl',
          'lseek',
          'seccomp',
        ],
        ...['close_range', 'clone', 'wait4', 'getppid', 'restart_syscall', 'ppoll', 'statx', 'access'],
      ],
      action: 'SCMP_ACT_ALLOW',
    },
    {
      names: ['personality'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 4294967295, op: 'SCMP_CMP_EQ' }],
    },
  ],
};

/** A cache that has learned the filter of the profile in `config`. */
function cacheFor(config: string, filter: Buffer): CreateCache {
  const cache = new CreateCache('/bin/sh');
  const directory = temporaryDirectory('state');
  writeFileSync(`${directory}/seccomp.bpf`, filter);
  const { config: replaced, learn } = cache.prepare(config);
  assert.equal(replaced, null);
  learn?.(directory);
  return cache;
}

const kFilter = Buffer.from('0600000000000000', 'hex');
const kMember = `"${kFilterAnnotation}":"${kFilter.toString('base64')}"`;
const kSeccomp = '"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}}';

describe('CreateCache.prepare', () => {
  const prepared = (config: string): string | null => cacheFor(config, kFilter).prepare(config).config;

  it('puts the filter in and leaves every other byte as it is', () => {
    const big = '"x":18446744073709551615, "y":1.0, "s":"\\"{\\\\"';
    assert.equal(prepared(`{${big},${kSeccomp}}`), `{"annotations":{${kMember}},${big},${kSeccomp}}`);
    assert.equal(
      prepared(`{ "annotations" : { } ,${kSeccomp}}`),
      `{ "annotations" : {${kMember} } ,${kSeccomp}}`,
    );
    assert.equal(
      prepared(`{${kSeccomp},"annotations":{"a":"}"}}`),
      `{${kSeccomp},"annotations":{${kMember},"a":"}"}}`,
    );
  });

  it('keeps the filters of several profiles apart', () => {
    const first = `{${kSeccomp}}`;
    const second = first.replace('ALLOW', 'LOG');
    const cache = cacheFor(first, kFilter);
    assert.notEqual(cache.prepare(first).config, null);
    assert.equal(cache.prepare(second).config, null);
    assert.notEqual(cache.prepare(second).learn, null);
  });

  it('does nothing where the annotation would be seen or would change something', () => {
    const configs = [
      '{}',
      'not JSON "seccomp"',
      `{${kSeccomp},"hooks":{"poststop":[{"path":"/x"}]}}`,
      `{${kSeccomp},"annotations":{"run.oci.seccomp_bpf_data":""}}`,
      `{${kSeccomp},"annotations":{"run.oci.seccomp_fail_unknown_syscall":"1"}}`,
      `{${kSeccomp},"annotations":{"run.oci.handler":"wasm"}}`,
      `{${kSeccomp},"annotations":null}`,
      `{${kSeccomp},"annotations":{},"annotations":{}}`,
      `{${kSeccomp.replace('[]', '[{"names":["a"],"action":"SCMP_ACT_NOTIFY"}]')}}`,
      `{${kSeccomp.replace('"syscalls"', '"listenerPath":"/x","syscalls"')}}`,
      '{"linux":{"seccomp":null}}',
    ];
    for (const config of configs) {
      assert.deepEqual(new CreateCache('/bin/sh').prepare(config), { config: null, learn: null }, config);
    }
  });

  it('learns nothing from a container that has gone or from a file that is no filter', () => {
    const config = `{${kSeccomp}}`;
    const cache = new CreateCache('/bin/sh');
    cache.prepare(config).learn?.('/nonexistent');
    assert.equal(cache.prepare(config).config, null);
    assert.equal(cacheFor(config, Buffer.alloc(7)).prepare(config).config, null);
    assert.equal(cacheFor(config, Buffer.alloc(0)).prepare(config).config, null);
  });
});

describe('hideFilter', () => {
  it('takes away the annotation that the cache has put in, and nothing else', () => {
    assert.deepEqual(hideFilter({ id: 'a', annotations: { [kFilterAnnotation]: 'x' } }), { id: 'a' });
    const both = { id: 'a', annotations: { b: 'c', [kFilterAnnotation]: 'x' } };
    assert.deepEqual(hideFilter(both), { id: 'a', annotations: { b: 'c' } });
    assert.deepEqual(hideFilter({ id: 'a', annotations: { b: 'c' } }), { id: 'a', annotations: { b: 'c' } });
    assert.deepEqual(hideFilter({}), {});
  });
});

describe('a filter from the cache', { skip: needsRuntime() }, () => {
  const filterTool = path.join(temporaryDirectory('tool'), 'seccomp-filter');

  /** The filter of a running container as the kernel has it. */
  async function filterOf(cli: Cli, id: string, bundle: string, args: readonly string[]): Promise<Buffer> {
    const pidFile = `${bundle}/pid`;
    const created = await cli.run('create', '--bundle', bundle, '--pid-file', pidFile, ...args, id);
    assert.equal(created.code, 0, created.stderr);
    const started = await cli.run('start', id);
    assert.equal(started.code, 0, started.stderr);
    const pid = readFileSync(pidFile, 'utf8');
    // crun's start does not wait for the exec, and the filter is put on shortly before it.
    await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'busybox\n');
    return execFileSync(filterTool, [pid]);
  }

  it('is the same in the running container, byte for byte', async () => {
    // The annotation is crun's; runc has nothing like it.
    if (kind !== 'crun') return;
    const source = path.join(__dirname, '../../../test/fixtures/seccomp-filter.c');
    execFileSync('cc', ['-O1', '-o', filterTool, source]);
    const bundle = temporaryDirectory('bundle');
    const root = `${temporaryDirectory('root')}/state`;
    mkdirSync(root, { mode: 0o700 });
    const cgroupsPath = `/dobby-cache-test-${process.pid}`;
    const config = JSON.stringify({
      ociVersion: '1.0.2',
      process: {
        noNewPrivileges: true,
        user: { uid: 0, gid: 0 },
        args: ['/bin/busybox', 'sleep', '100'],
        cwd: '/',
        env: ['A=b'],
      },
      root: { path: sharedRootfs(), readonly: true },
      mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
      linux: { cgroupsPath, namespaces: [{ type: 'pid' }, { type: 'mount' }], seccomp: kProfile },
    });
    writeFileSync(`${bundle}/config.json`, config);
    const cli = new Cli(runtime, root, bundle);
    const cache = new CreateCache(runtime);
    try {
      const first = cache.prepare(config);
      const compiled = await filterOf(cli, 'first', bundle, []);
      first.learn?.(`${root}/first`);
      assert.ok(
        compiled.equals(readFileSync(`${root}/first/seccomp.bpf`)),
        'crun leaves the filter it loads',
      );
      await cli.run('delete', '--force', 'first');

      const second = cache.prepare(config);
      // crun 1.21 keeps filters itself, and is left alone.
      if (second.config === null) {
        assert.equal(second.learn, null);
        return;
      }
      writeFileSync(`${bundle}/prepared.json`, second.config);
      const given = await filterOf(cli, 'second', bundle, ['--config', `${bundle}/prepared.json`]);
      assert.ok(given.length > 0 && given.equals(compiled));
    } finally {
      for (const id of ['first', 'second']) await cli.run('delete', '--force', id);
    }
  });
});
