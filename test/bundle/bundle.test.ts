import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Bundle } from '../../src/bundle/bundle';
import type { BundleSpec } from '../../src/bundle/spec';
import { temporaryDirectory } from '../helpers/temporary';
import { bundleError, smallConfig, writeBundle } from './bundles';

const spec: BundleSpec = { rootfs: '/', args: ['/bin/true'] };

function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}

describe('Bundle.create', () => {
  let parent: string;
  beforeEach(() => {
    parent = temporaryDirectory('create');
  });

  it('writes what Bundle.open reads', async () => {
    const created = await Bundle.create(path.join(parent, 'a'), {
      ...spec,
      env: { A: 'ä"\n' },
      hostname: 'a',
    });
    const opened = await Bundle.open(created.path);
    assert.deepEqual(opened.config, created.config);
    assert.deepEqual(readdirSync(created.path), ['config.json']);
  });

  it('makes the directory for its owner only, and the file too', async () => {
    const { path: bundle } = await Bundle.create(path.join(parent, 'a/b'), { ...spec, rootless: false });
    assert.deepEqual([modeOf(bundle), modeOf(path.join(bundle, 'config.json'))], [0o700, 0o600]);
  });

  it('lets others through where the root of the container is one, whatever the umask', async () => {
    const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const umask = process.umask(0o077);
    try {
      const { path: bundle } = await Bundle.create(path.join(parent, 'a'), {
        ...spec,
        uidMappings: mappings,
        gidMappings: mappings,
      });
      assert.equal(modeOf(bundle), 0o711);
    } finally {
      process.umask(umask);
    }
  });

  it('leaves an existing directory as it is, and replaces an old file', async () => {
    chmodSync(parent, 0o755);
    writeFileSync(path.join(parent, 'config.json'), 'old');
    writeFileSync(path.join(parent, 'other'), '');
    await Bundle.create(parent, spec);
    assert.equal(modeOf(parent), 0o755);
    assert.deepEqual(readdirSync(parent).sort(), ['config.json', 'other']);
    await Bundle.open(parent);
  });

  it('resolves the directory against the working directory, and the root against the bundle', async () => {
    mkdirSync(path.join(parent, 'b/rootfs'), { recursive: true });
    const relative = path.relative(process.cwd(), path.join(parent, 'b'));
    const bundle = await Bundle.create(relative, { ...spec, rootfs: 'rootfs' });
    assert.equal(bundle.path, path.join(parent, 'b'));
    assert.equal(bundle.config.root?.path, 'rootfs');
  });

  it('takes a name with spaces and newlines', async () => {
    const bundle = await Bundle.create(path.join(parent, 'a b\nc'), spec);
    await Bundle.open(bundle.path);
  });

  it('writes RLIM_INFINITY so that a uint64 holds it', async () => {
    const rlimits = [{ type: 'RLIMIT_CORE', soft: 0, hard: Number.POSITIVE_INFINITY }];
    const { path: bundle } = await Bundle.create(path.join(parent, 'a'), { ...spec, rlimits });
    assert.match(readFileSync(path.join(bundle, 'config.json'), 'utf8'), /"hard": 18446744073709551615\b/);
  });

  it('can be called many times at once for one directory', async () => {
    const dir = path.join(parent, 'a');
    const titles = Array.from({ length: 20 }, (_, i) => String(i));
    await Promise.all(titles.map((title) => Bundle.create(dir, { ...spec, annotations: { title } })));
    assert.ok(titles.includes((await Bundle.open(dir)).config.annotations?.title ?? ''));
    assert.deepEqual(readdirSync(dir), ['config.json']);
  });

  describe('leaves nothing behind', () => {
    afterEach(() => {
      assert.equal(existsSync(path.join(parent, 'new')), false);
    });

    it('when the root file system is missing', async () => {
      const dir = path.join(parent, 'new/a');
      await assert.rejects(
        Bundle.create(dir, { ...spec, rootfs: 'rootfs' }),
        bundleError(dir, /^root\.path: must be a directory .*new\/a\/rootfs does not exist$/),
      );
    });

    it('when the spec is wrong', async () => {
      const dir = path.join(parent, 'new');
      const wrong = Bundle.create(dir, { ...spec, args: [] });
      await assert.rejects(wrong, { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    });

    it('when config.json is a directory', async () => {
      mkdirSync(path.join(parent, 'config.json'));
      const reason = 'config.json: cannot be written: it is a directory; must be a regular file';
      await assert.rejects(Bundle.create(parent, spec), bundleError(parent, reason));
      assert.deepEqual(readdirSync(parent), ['config.json']);
    });

    it('when the directory cannot be made', async () => {
      writeFileSync(path.join(parent, 'file'), '');
      const dir = path.join(parent, 'file/a');
      await assert.rejects(
        Bundle.create(dir, spec),
        bundleError(dir, /^the directory cannot be made: ENOTDIR/),
      );
    });
  });

  for (const dir of [undefined, null, 5, '', 'a\0b', {}]) {
    it(`refuses ${JSON.stringify(dir)} for a directory`, async () => {
      const expected = {
        name: 'TypeError',
        code: /^ERR_INVALID_ARG_(TYPE|VALUE)$/,
        message: /^dir: must be /,
      };
      await assert.rejects(Bundle.create(dir as string, spec), expected);
      await assert.rejects(Bundle.open(dir as string), expected);
    });
  }
});

describe('Bundle', () => {
  it('has a configuration that cannot be changed by accident', async () => {
    const { config } = await Bundle.open(writeBundle(smallConfig()));
    assert.throws(() => config.process?.args.push('x'), TypeError);
    structuredClone(config).process?.args.push('x');
  });

  it('cannot be changed either when it was created', async () => {
    const { config } = await Bundle.create(temporaryDirectory(), spec);
    assert.throws(() => Object.assign(config, { hostname: 'x' }), TypeError);
  });

  it('takes null out of what it read', async () => {
    const { config } = await Bundle.open(writeBundle({ ...smallConfig(), hooks: null }));
    assert.equal('hooks' in config, false);
  });
});
