import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ExitSource, native, SpawnStep } from '../../src/native';
import {
  errno,
  openDescriptors,
  output,
  pipe,
  readAll,
  run,
  type Started,
  shell,
  signals,
  start,
  startLater,
  watch,
} from './harness';

const CLD_EXITED = 1;
const CLD_KILLED = 2;

describe('spawn', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'native-spawn-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  const ways = [
    ['on the calling thread', async (argv: string[], o = {}) => start(argv, o)],
    ['on the spawn thread', async (argv: string[], o = {}) => startLater(argv, o)],
  ] as const;

  for (const [where, begin] of ways) {
    it(`starts a program ${where} and its exit status arrives`, async () => {
      const { pid, pidfd, error, step } = await begin(shell('exit 7'));
      assert.equal(error, 0);
      assert.equal(step, SpawnStep.None);
      assert.deepEqual(await watch(pid, pidfd).exited, {
        code: CLD_EXITED,
        status: 7,
        source: ExitSource.Waitid,
      });
    });

    it(`reports the step and the errno of every failure ${where}`, async () => {
      const file = (name: string, mode: number, content = '') => {
        const filePath = path.join(directory, name);
        writeFileSync(filePath, content);
        chmodSync(filePath, mode);
        return filePath;
      };
      const plain = file('plain', 0o644);
      const garbage = file('garbage', 0o755, 'this is no program');
      const orphaned = file('orphaned', 0o755, '#!/no/such/interpreter\n');
      const tooLong = 'x'.repeat(200_000);
      const failures: [name: string, argv: string[], options: object, step: SpawnStep, error: number][] = [
        ['no such file', ['/no/such/program'], {}, SpawnStep.Exec, errno.ENOENT],
        ['not executable', [plain], {}, SpawnStep.Exec, errno.EACCES],
        ['a directory', [directory], {}, SpawnStep.Exec, errno.EACCES],
        ['not a program', [garbage], {}, SpawnStep.Exec, errno.ENOEXEC],
        ['no interpreter', [orphaned], {}, SpawnStep.Exec, errno.ENOENT],
        ['an argument too long', ['/bin/true', tooLong], {}, SpawnStep.Exec, errno.E2BIG],
        ['cwd missing', ['/bin/true'], { cwd: '/no/such/directory' }, SpawnStep.Chdir, errno.ENOENT],
        ['cwd a file', ['/bin/true'], { cwd: plain }, SpawnStep.Chdir, errno.ENOTDIR],
        ['a closed descriptor', ['/bin/true'], { fds: [-1, 9999] }, SpawnStep.Descriptors, errno.EBADF],
        ['a closed image', ['/bin/true'], { imageFd: 9999 }, SpawnStep.Exec, errno.EBADF],
      ];
      const open = openDescriptors();
      for (const [name, argv, options, step, error] of failures) {
        const result = await begin(argv, options);
        assert.deepEqual(result, { pid: 0, pidfd: -1, error, step }, name);
      }
      assert.equal(openDescriptors().length, open.length);
    });
  }

  it('refuses fewer strings than argc says', () => {
    const out = new Int32Array(4);
    native.spawn('/bin/true\0/\0true', 2, new Int32Array(), -1, out);
    assert.deepEqual([...out], [0, -1, errno.EINVAL, SpawnStep.None]);
  });

  it('leaves no zombie of a failed start', () => {
    assert.equal(start(['/no/such/program']).pid, 0);
    const children = spawnSync('cat', [`/proc/${process.pid}/task/${process.pid}/children`], {
      encoding: 'utf8',
    });
    // Only cat itself.
    assert.equal(children.stdout.trim().split(' ').length, 1, children.stdout);
  });

  it('gives the arguments and the environment as they are', async () => {
    const argv = [
      '/bin/busybox',
      'sh',
      '-c',
      'printf "[%s]" "$0" "$@"; env | grep ODD',
      '',
      'a b',
      'ü\n',
      '*',
    ];
    const text = await output(argv, { env: ['ODD=x=y z', 'PATH=/bin'] });
    assert.equal(text, '[][a b][ü\n][*]ODD=x=y z\n');
  });

  it('gives an empty environment', async () => {
    assert.equal(await output(['/bin/busybox', 'env']), '');
  });

  it('starts in the directory it is told, in a session of its own', async () => {
    const text = await output(shell('pwd; cat /proc/self/stat; echo; echo $$'), { cwd: directory });
    const [cwd, stat = '', shellPid] = text.trim().split('\n').filter(Boolean);
    assert.equal(cwd, directory);
    const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
    assert.equal(session, shellPid);
  });

  it('resets umask, signal mask and dispositions, ignored ones too', async () => {
    const umask = process.umask(0o077);
    const text = await output(['/bin/cat', '/proc/self/status']).finally(() => process.umask(umask));
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(text)?.[1];
    assert.equal(field('Umask'), '0022');
    assert.equal(Number.parseInt(field('SigBlk') ?? '', 16), 0);
    assert.equal(Number.parseInt(field('SigIgn') ?? '', 16), 0);
    assert.equal(Number.parseInt(field('SigCgt') ?? '', 16), 0);
    // Node itself ignores SIGPIPE, or this proves nothing.
    const own = spawnSync('cat', [`/proc/${process.pid}/status`], { encoding: 'utf8' }).stdout;
    const ignored = Number.parseInt(/^SigIgn:\s*(\w+)$/m.exec(own)?.[1] ?? '', 16);
    assert.ok(ignored & (1 << (signals.SIGPIPE - 1)), own);
  });

  it('gives exactly the descriptors of the plan while 200 others are open, 100 of them not close-on-exec', () => {
    // Node makes what it inherits close-on-exec, up to the first gap after 15. These are after a gap.
    const script = 'for ((i = 40; i < 140; i++)); do eval "exec $i</dev/null"; done; exec "$@"';
    const fixture = path.join(__dirname, 'fixtures', 'list-descriptors.js');
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', process.execPath, fixture], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    const { inheritable, descriptors } = JSON.parse(stdout);
    assert.ok(inheritable >= 100, `${inheritable} inheritable descriptors`);
    assert.deepEqual(descriptors, [0, 1, 2, 3, 4, 5]);
  });

  it('places descriptors that stand in each other’s way', async () => {
    // Three pipes whose ends have low numbers, passed so that they cross.
    const pipes = [pipe(), pipe(), pipe()];
    const writers = pipes.map(([, w]) => w);
    const readers = pipes.map(([r]) => r);
    const shuffled = [-1, writers[2], writers[1], writers[0], writers[2], writers[1]] as number[];
    const ended = run(shell('echo one >&1; echo two >&2; echo three >&3; echo four >&4; echo five >&5'), {
      fds: shuffled,
    });
    const texts = await Promise.all(readers.map((fd) => readAll(fd)));
    await ended;
    assert.deepEqual(texts, ['three\n', 'two\nfive\n', 'one\nfour\n']);
  });

  it('closes what it was given, once, whether it starts or not', async () => {
    const count = openDescriptors().length;
    for (const program of ['/bin/true', '/no/such/program']) {
      for (const begin of [start, startLater]) {
        const [readFd, writeFd] = pipe();
        const result = await begin([program], { fds: [writeFd, writeFd, -1, writeFd] });
        assert.equal(await readAll(readFd), '');
        if (result.pid > 0) await watch(result.pid, result.pidfd).exited;
      }
    }
    assert.equal(openDescriptors().length, count);
  });

  it('does not close a number that was not open when it was given', () => {
    const { error, step } = start(['/bin/true'], { fds: [-1, 5000, -1] });
    assert.deepEqual([error, step], [errno.EBADF, SpawnStep.Descriptors]);
  });

  it('runs a sealed image, whose file may be closed while the request waits', async () => {
    const file = openSync('/bin/busybox', 'r');
    const imageFd = native.sealedImage(file);
    closeSync(file);
    assert.ok(imageFd >= 0);
    const requests = Array.from({ length: 5 }, () =>
      startLater(['sh', '-c', 'exit 3'], { path: '', imageFd }),
    );
    assert.equal(native.close(imageFd), 0);
    for (const { pid, pidfd, error } of await Promise.all(requests)) {
      assert.equal(error, 0);
      assert.equal((await watch(pid, pidfd).exited).status, 3);
    }
  });

  it('keeps order and loses none of many requests', async () => {
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => startLater(shell(`exit ${i}`))));
    const exits = await Promise.all(results.map(({ pid, pidfd }) => watch(pid, pidfd).exited));
    assert.deepEqual(
      exits.map(({ status }) => status),
      results.map((_, i) => i),
    );
  });

  it('can be asked again from its own callback', async () => {
    const { pid, pidfd } = await new Promise<Started>((resolve) => {
      const out = new Int32Array(4);
      native.spawn('/bin/true\0/\0true', 1, new Int32Array(), -1, out, () => {
        native.close(out[1] ?? -1);
        resolve(startLater(shell('exit 4')));
      });
    });
    assert.equal((await watch(pid, pidfd).exited).status, 4);
  });

  it('reports a death by signal', async () => {
    assert.deepEqual(await run(shell('kill -9 $$')), {
      code: CLD_KILLED,
      status: 9,
      source: ExitSource.Waitid,
    });
  });
});
