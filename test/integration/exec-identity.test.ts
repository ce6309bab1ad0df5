import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Bundle, Container, ContainerProcess, ExecOptions, RuntimeOptions } from '../../src/index';
import { newBundle, newDobby, newId, until } from '../helpers/containers';
import { cgroup, kind, needsRuntime, version } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

/** What a process is, as the kernel tells it from outside. */
interface Facts {
  [name: string]: string;
}

const statusFields = [
  'Uid',
  'Gid',
  'Groups',
  'Umask',
  'NoNewPrivs',
  'Seccomp',
  'Seccomp_filters',
  'CapInh',
  'CapPrm',
  'CapEff',
  'CapBnd',
  'CapAmb',
];

async function factsOf(pid: number): Promise<Facts> {
  // The runtime returns before its process has become the program.
  await until(() => fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('/bin/sleep'));
  const read = (name: string): string => fs.readFileSync(`/proc/${pid}/${name}`, 'latin1');
  const status = read('status');
  const facts: Facts = {};
  for (const name of statusFields)
    facts[name] = (new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? '')
      .trim()
      .replaceAll(/\s+/g, ' ');
  // After the name in parentheses: nice is field 19, the policy field 41 (proc(5)).
  const stat = read('stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  facts.nice = fields[16] ?? '';
  facts.policy = fields[38] ?? '';
  facts.oomScoreAdj = read('oom_score_adj').trim();
  facts.openFiles = (/^Max open files\s+(\S+\s+\S+)/m.exec(read('limits'))?.[1] ?? '').replaceAll(
    /\s+/g,
    ' ',
  );
  facts.coreSize = (/^Max core file size\s+(\S+\s+\S+)/m.exec(read('limits'))?.[1] ?? '').replaceAll(
    /\s+/g,
    ' ',
  );
  facts.cwd = fs.readlinkSync(`/proc/${pid}/cwd`);
  facts.environment = read('environ')
    .split('\0')
    .filter((entry) => entry !== '')
    .sort()
    .join(' ');
  facts.ioPriority = execFileSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).trim();
  facts.cgroup = read('cgroup').trim();
  facts.label = readLabel(pid);
  return facts;
}

function readLabel(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/attr/current`, 'latin1').trim();
  } catch {
    return '';
  }
}

/**
 * They ignore I/O priority and scheduler, which came with runtime-spec 1.1. And crun sets an exec'd process's scheduler
 * while it already runs, on its parent, so that it does not always get it.
 */
const isOld = /^(1\.8\.|1\.1\.)/.test(version);

/** runc 1.1.5 as Debian builds it raises an exec'd process's soft limit to the hard one, as Go programs do at start. */
const softFiles = kind === 'runc' && version === '1.1.5' ? 640 : 512;

async function unusualBundle(o: { terminal?: boolean } = {}): Promise<Bundle> {
  return await newBundle(['/bin/sleep', '1000'], {
    ...o,
    user: { uid: 1000, gid: 1000, additionalGids: [29, 30] },
    umask: 0o027,
    cwd: '/tmp',
    env: { PATH: '/bin', HOME: '/tmp', OWN: 'own' },
    noNewPrivileges: true,
    oomScoreAdj: 100,
    capabilities: { bounding: ['CAP_KILL', 'CAP_CHOWN'], permitted: [], effective: [] },
    rlimits: [
      { type: 'RLIMIT_NOFILE', soft: softFiles, hard: 640 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ],
    ...(isOld
      ? {}
      : {
          ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 },
          ...(kind === 'runc' ? { scheduler: { policy: 'SCHED_BATCH', nice: 3 } } : {}),
        }),
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
    },
  });
}

function unifiedCgroup(pid: number): string {
  return /^0::(.*)$/m.exec(fs.readFileSync(`/proc/${pid}/cgroup`, 'latin1'))?.[1] ?? '';
}

/** What each option changes; everything else stays the init's. */
const changes: ReadonlyArray<{ name: string; o: ExecOptions; facts: Facts }> = [
  {
    name: 'env',
    o: { env: { MORE: 'more' } },
    facts: { environment: 'HOME=/tmp MORE=more OWN=own PATH=/bin' },
  },
  { name: 'cwd', o: { cwd: '/dev' }, facts: { cwd: '/dev' } },
  {
    name: 'user as text',
    o: { user: '7:8' },
    facts: { Uid: '7 7 7 7', Gid: '8 8 8 8', Groups: '' },
  },
  {
    name: 'user as numbers',
    o: { user: { uid: 9, gid: 10, additionalGids: [11] } },
    facts: { Uid: '9 9 9 9', Gid: '10 10 10 10', Groups: '11' },
  },
  { name: 'noNewPrivileges: false', o: { noNewPrivileges: false }, facts: { NoNewPrivs: '0' } },
  // CAP_NET_RAW is bit 13; a user other than root has the bounding set of it alone.
  { name: 'capabilities', o: { capabilities: ['CAP_NET_RAW'] }, facts: { CapBnd: '0000000000002021' } },
];

function expected(init: Facts, changed: readonly Facts[]): Facts {
  return Object.assign({ ...init }, ...changed) as Facts;
}

for (const [title, options, isTty] of [
  ['', {}, false],
  [' with a terminal', {}, true],
  [' under a keeper', { keeper: 'own' }, false],
  [' with a terminal under a keeper', { keeper: 'own' }, true],
] as ReadonlyArray<[string, RuntimeOptions, boolean]>) {
  describe(`an exec’d process is the container’s process but for what is changed${title}`, {
    skip: needsRuntime(),
  }, () => {
    let container: Container;
    let init: Facts;
    after(async () => {
      await container.destroy({ force: true });
      // A keeper that came to us as an orphan is reaped within ten seconds.
      if (options.keeper) await dobby[Symbol.asyncDispose]();
    });
    const dobby = options.keeper ? newDobby(options) : dobbyForSuite(options);
    before(async () => {
      container = await dobby.run(newId('identity'), await unusualBundle());
      init = await factsOf(container.pid);
      assert.equal(init.Uid, '1000 1000 1000 1000');
      assert.equal(init.openFiles, `${softFiles} 640`);
      assert.equal(init.oomScoreAdj, '100');
    });

    async function factsOfExec(o: ExecOptions): Promise<Facts> {
      const process = await container.exec(['/bin/sleep', '1000'], { ...o, ...(isTty ? { tty: true } : {}) });
      try {
        return await factsOf(process.pid);
      } finally {
        await process.kill('SIGKILL');
        await process.exited;
      }
    }

    test('without options', async () => {
      assert.deepEqual(await factsOfExec({}), init);
    });

    for (const { name, o, facts } of changes)
      test(name, async () => {
        assert.deepEqual(await factsOfExec(o), expected(init, [facts]));
      });

    if (title === '')
      test('each two of them: none changes what another one means', async () => {
        for (const [index, first] of changes.entries())
          for (const second of changes.slice(index + 1)) {
            if (first.name.startsWith('user') && second.name.startsWith('user')) continue;
            assert.deepEqual(
              await factsOfExec({ ...first.o, ...second.o }),
              expected(init, [first.facts, second.facts]),
              `${first.name} and ${second.name}`,
            );
          }
      });
  });
}

describe('exec, where the process is and what it leaves', { skip: needsRuntime() }, () => {
  let container: Container;
  let directory: string;
  after(async () => {
    await container.destroy({ force: true });
  });
  const dobby = dobbyForSuite();
  before(async () => {
    directory = temporaryDirectory('bundle-of-exec');
    const bundle = await newBundle(['/bin/sleep', '1000']);
    fs.cpSync(bundle.path, directory, { recursive: true });
    container = await dobby.run(newId('where'), directory);
  });

  async function ended(process: ContainerProcess): Promise<void> {
    await process.kill('SIGKILL');
    await process.exited;
  }

  test('pidFile holds its pid', async () => {
    const pidFile = path.join(temporaryDirectory('pid'), 'exec.pid');
    const process = await container.exec(['/bin/sleep', '1000'], { pidFile });
    assert.equal(fs.readFileSync(pidFile, 'utf8'), String(process.pid));
    await ended(process);
  });

  test('a cgroup of its own is below the container’s, or ERR_UNSUPPORTED and nothing started', async () => {
    if (kind === 'crun' && cgroup === 'v1') {
      await assert.rejects(container.exec(['/bin/sleep', '1000'], { cgroup: 'sub' }), {
        code: 'ERR_UNSUPPORTED',
      });
      return;
    }
    if (cgroup === 'v1') return; // runc wants a sub-cgroup that exists in each hierarchy: it says so itself.
    const own = unifiedCgroup(container.pid);
    fs.mkdirSync(path.join('/sys/fs/cgroup', own, 'sub'));
    const process = await container.exec(['/bin/sleep', '1000'], {
      cgroup: kind === 'crun' ? '/sub' : 'sub',
    });
    assert.equal(unifiedCgroup(process.pid), `${own}/sub`);
    await ended(process);
  });

  test('a user by name is refused, saying that names are not looked up', async () => {
    await assert.rejects(container.exec(['/bin/true'], { user: 'bob' }), {
      name: 'TypeError',
      message: /names are not looked up/,
    });
  });

  test('when the bundle is gone: runc needs it, crun does not', async () => {
    fs.renameSync(directory, `${directory}-moved`);
    try {
      if (kind === 'runc') {
        await assert.rejects(container.exec(['/bin/true'], { env: { A: 'b' } }), {
          code: 'ERR_INVALID_BUNDLE',
        });
        const whole = { args: ['/bin/true'], cwd: '/', user: { uid: 0, gid: 0 } };
        assert.equal((await (await container.exec([], { process: whole })).exited).code, 0);
      } else assert.equal((await (await container.exec(['/bin/true'])).exited).code, 0);
    } finally {
      fs.renameSync(`${directory}-moved`, directory);
    }
  });
});
