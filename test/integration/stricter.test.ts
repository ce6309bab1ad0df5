import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { OciConfig, RuntimeError } from '../../src/index';
import { newBundle, newId } from '../helpers/containers';
import { needsRuntime, runtime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { temporaryDirectory } from '../helpers/temporary';

type Change = (config: OciConfig) => void;

/** What a runtime may know and this package does not, or ignores. */
const changes: ReadonlyArray<[string, Change]> = [
  [
    'a capability that nobody knows',
    ({ process }) => void (process as Process).capabilities?.bounding?.push('UNKNOWN_CAP'),
  ],
  [
    'a limit that nobody knows',
    ({ process }) => void process?.rlimits?.push({ type: 'RLIMIT_2030', soft: 1, hard: 1 }),
  ],
  ['a namespace that nobody knows', ({ linux }) => void linux?.namespaces?.push({ type: 'dream' as 'pid' })],
  ['an unknown section', (config) => Object.assign(config, { tomorrow: { a: 1 } })],
  ['an unknown section below linux', ({ linux }) => Object.assign(linux ?? {}, { tomorrow: [{ a: 1 }] })],
  ['an unknown field of the process', ({ process }) => Object.assign(process ?? {}, { tomorrow: 'x' })],
  [
    'a propagation that nobody knows',
    ({ linux }) => Object.assign(linux ?? {}, { rootfsPropagation: 'both' }),
  ],
  [
    'a seccomp flag that nobody knows',
    ({ linux }) =>
      Object.assign(linux ?? {}, {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          flags: ['SECCOMP_FILTER_FLAG_2030'],
          syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
        },
      }),
  ],
  [
    'a mount option that nobody knows',
    ({ mounts }) =>
      void mounts?.push({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['x-2030'] }),
  ],
];

type Process = NonNullable<OciConfig['process']>;

describe('create is never stricter than the runtime', { skip: needsRuntime() }, () => {
  const made: string[] = [];
  after(async () => {
    for (const id of made) await dobby.destroy(id, { force: true }).catch(() => {});
  });
  const dobby = dobbyForSuite();

  for (const [name, change] of changes)
    test(name, async () => {
      const bundle = await newBundle(['/bin/true']);
      const file = path.join(bundle.path, 'config.json');
      const config = JSON.parse(fs.readFileSync(file, 'utf8')) as OciConfig;
      change(config);
      fs.writeFileSync(file, JSON.stringify(config));
      const bare = acceptedByRuntime(bundle.path);
      const id = newId('strict');
      made.push(id);
      const ours = await dobby.create(id, bundle.path).then(
        () => true,
        (error: RuntimeError) => {
          assert.notEqual(error.argv.length, 0, `refused before the runtime: ${error.message}`);
          return false;
        },
      );
      assert.equal(ours, bare);
    });
});

/** Whether the bare command line makes a container of it. */
function acceptedByRuntime(bundle: string): boolean {
  const root = path.join(temporaryDirectory('bare'), 'root');
  const id = newId('bare');
  // To a file: the init inherits it, and a pipe would never end.
  const out = fs.openSync(path.join(path.dirname(root), 'out'), 'w');
  const run = (args: string[]): void => {
    execFileSync(runtime, ['--root', root, ...args], { stdio: ['ignore', out, out] });
  };
  try {
    run(['create', '--bundle', bundle, id]);
    return true;
  } catch {
    return false;
  } finally {
    try {
      run(['delete', '--force', id]);
    } catch {
      // There is none.
    }
    fs.closeSync(out);
    // crun 1.28 leaves that of a create that failed.
    for (const hierarchy of ['', ...fs.readdirSync('/sys/fs/cgroup')]) {
      const directory = path.join('/sys/fs/cgroup', hierarchy, id);
      if (fs.existsSync(directory)) fs.rmdirSync(directory);
    }
  }
}
