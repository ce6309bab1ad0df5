import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Bundle } from '../../src/bundle/bundle';
import type { BundleSpec } from '../../src/bundle/spec';
import { cgroup, needsRuntime, runtime } from '../helpers/environment';
import { sharedRootfs } from '../helpers/rootfs';
import { temporaryDirectory } from '../helpers/temporary';

const run = promisify(execFile);
let count = 0;

/** Runs a shell script in a container of this bundle by the bare runtime; returns what it printed. */
async function runIn(script: string, spec: Partial<BundleSpec> = {}): Promise<string> {
  const parent = temporaryDirectory('run');
  // The root of a user namespace has to get to the bundle.
  await chmod(parent, 0o711);
  const args = ['/bin/sh', '-c', script];
  const bundle = await Bundle.create(path.join(parent, 'bundle'), { rootfs: sharedRootfs(), args, ...spec });
  count += 1;
  const options = ['--root', path.join(parent, 'state'), 'run', '--bundle', bundle.path];
  const { stdout } = await run(runtime, [...options, `dobby-bundle-${process.pid}-${count}`], {
    timeout: 30_000,
  });
  return stdout.trim();
}

describe('a bundle made by Bundle.create', { skip: needsRuntime() }, () => {
  before(async () => {
    // The root of a user namespace is nobody special outside: it has to be let through to the root file system.
    for (const directory of [path.dirname(sharedRootfs()), tmpdir()]) {
      const { mode } = await stat(directory);
      if ((mode & 0o011) !== 0o011) await chmod(directory, (mode & 0o777) | 0o011);
    }
  });

  it('runs with the defaults', async () => {
    assert.equal(
      await runIn('echo $$ $PATH; pwd'),
      '1 /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/',
    );
  });

  it('has the default file systems', async () => {
    const mounted = (await runIn('cat /proc/self/mounts')).split('\n').map((line) => line.split(' ')[1]);
    for (const place of ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys']) {
      assert.ok(mounted.includes(place), `${place} is not among ${mounted.join(' ')}`);
    }
    assert.match(await runIn('ls /sys/fs/cgroup'), cgroup === 'v2' ? /cgroup\.procs/ : /memory/);
  });

  it('cannot write to its root or to the kernel settings', async () => {
    const script = 'touch /x; echo 1 > /proc/sys/vm/overcommit_memory; echo end';
    assert.match(await runIn(`(${script}) 2>&1`), /touch: .*Read-only.*\n.*Read-only.*\nend$/i);
  });

  it('cannot read what is masked', async () => {
    const spec = { maskedPaths: ['/proc/version'] };
    assert.equal(await runIn('wc -c < /proc/version; echo end', spec), '0\nend');
  });

  it('has the default limits and capabilities', async () => {
    const status = await runIn('ulimit -n; ulimit -Hn; cat /proc/self/status');
    assert.match(status, /^1024\n1024\n/);
    assert.match(status, /CapEff:\s*0000000020000420\n/);
    assert.match(status, /NoNewPrivs:\s*1\n/);
  });

  it('has what the spec says', async () => {
    const spec: BundleSpec = {
      rootfs: sharedRootfs(),
      args: [
        '/bin/sh',
        '-c',
        'echo $A $(hostname) $(pwd) $(id -u):$(id -g) $(umask); grep CapEff /proc/self/status; cat /data/f',
      ],
      env: { A: 'b c' },
      hostname: 'web',
      cwd: '/tmp',
      user: { uid: 1000, gid: 1001 },
      umask: 0o27,
      capabilities: ['CAP_NET_RAW'],
      mounts: [{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] }],
    };
    const printed = await runIn('', {
      ...spec,
      args: [...spec.args.slice(0, 2), `echo x > /data/f; ${spec.args[2]}`],
    });
    assert.equal(printed, 'b c web /tmp 1000:1001 0027\nCapEff:\t0000000000002000\nx');
  });

  it('is writable where asked for', async () => {
    assert.equal(
      await runIn('touch /tmp/x && rm /tmp/x && echo ok', {
        rootfs: { path: sharedRootfs(), readonly: false },
      }),
      'ok',
    );
  });

  it('runs in a user namespace', async () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const printed = await runIn('id -u; cat /proc/self/uid_map', {
      uidMappings: mappings,
      gidMappings: mappings,
    });
    assert.match(printed, /^0\n\s*0\s+100000\s+65536$/);
  });

  it('runs in a user namespace with the network of the host', async () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const namespaces = ['pid', 'ipc', 'uts', 'mount'] as const;
    const printed = await runIn('ls -d /sys/class', {
      namespaces,
      uidMappings: mappings,
      gidMappings: mappings,
    });
    assert.equal(printed, '/sys/class');
  });

  it('runs rootless for root too', async () => {
    assert.equal(await runIn('id -u', { rootless: true }), '0');
  });

  it('has no limit on cores where the spec says Infinity', async () => {
    const rlimits = [{ type: 'RLIMIT_CORE', soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }];
    assert.equal(await runIn('ulimit -c', { rlimits }), 'unlimited');
  });

  it('has a device that the spec adds, and may use it', async () => {
    const devices = [{ type: 'c', path: '/dev/other-zero', major: 1, minor: 5, fileMode: 0o666 } as const];
    assert.equal(await runIn('head -c 3 /dev/other-zero | wc -c', { devices }), '3');
  });

  it('calls hooks', async () => {
    const hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'cat > /hooked/state'] }] };
    const mounts = [{ destination: '/hooked', type: 'tmpfs', source: 'tmpfs' }];
    assert.match(await runIn('cat /hooked/state', { hooks, mounts }), /"id": ?"dobby-bundle-/);
  });
});
