import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Bundle } from '../../src/bundle/bundle';
import { readConfig } from '../../src/bundle/config-file';
import { temporaryDirectory } from '../helpers/temporary';
import { bundleError, smallConfig, writeBundle } from './bundles';

/** A bundle whose config.json is made by `make`. */
function bundleWith(make: (file: string) => void): string {
  const bundle = writeBundle('');
  const file = path.join(bundle, 'config.json');
  rmSync(file);
  make(file);
  return bundle;
}

async function assertRefused(bundle: string, reason: string | RegExp): Promise<void> {
  await assert.rejects(Bundle.open(bundle), bundleError(bundle, reason));
}

describe('Bundle.open', () => {
  it('says that config.json is missing', async () => {
    await assertRefused(temporaryDirectory(), 'config.json: cannot be read: no such file');
  });

  it('says so for a bundle that does not exist', async () => {
    await assertRefused('/nonexistent/bundle', 'config.json: cannot be read: no such file');
  });

  it('says that the bundle is a file', async () => {
    const file = path.join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    await assertRefused(file, 'config.json: cannot be read: a part of the path is not a directory');
  });

  it('refuses a directory config.json', async () => {
    const reason = 'config.json: cannot be read: it is a directory; must be a regular file';
    await assertRefused(
      bundleWith((file) => mkdirSync(file)),
      reason,
    );
  });

  it('refuses a FIFO without waiting for a writer', async () => {
    const bundle = bundleWith((file) => execFileSync('mkfifo', [file]));
    await assertRefused(bundle, 'config.json: cannot be read: it is not a regular file');
  });

  it('refuses a loop of symbolic links', async () => {
    const bundle = bundleWith((file) => symlinkSync('config.json', file));
    await assertRefused(bundle, 'config.json: cannot be read: too many symbolic links');
  });

  it('calls a file that may not be read a matter of permission', async () => {
    const bundle = writeBundle(smallConfig());
    chmodSync(path.join(bundle, 'config.json'), 0);
    chmodSync(bundle, 0o755);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      const expected = bundleError(bundle, /^config\.json: cannot be read: .*EACCES/, 'ERR_PERMISSION');
      await assert.rejects(Bundle.open(bundle), expected);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it('refuses an empty file', async () => {
    await assertRefused(writeBundle(''), 'config.json: is empty; must be a JSON object');
  });

  it('refuses a byte order mark', async () => {
    const text = `\ufeff${JSON.stringify(smallConfig())}`;
    await assertRefused(
      writeBundle(text),
      'config.json: begins with a byte order mark; must be UTF-8 without one',
    );
  });

  it('refuses UTF-16', async () => {
    const bytes = Buffer.from(`\ufeff${JSON.stringify(smallConfig())}`, 'utf16le');
    await assertRefused(writeBundle(bytes), 'config.json: is UTF-16; must be UTF-8');
  });

  it('refuses what is not UTF-8', async () => {
    const bytes = Buffer.from('{"ociVersion": "1.0.2\xff"}', 'latin1');
    await assertRefused(writeBundle(bytes), 'config.json: is not valid UTF-8');
  });

  it('names line and column of a syntax error', async () => {
    const bundle = writeBundle('{\n  "ociVersion": "1.0.2",\n}\n');
    await assertRefused(bundle, 'config.json: is not valid JSON: line 3, column 1: expected a name, not "}"');
  });

  it('refuses a cut-off file', async () => {
    const bundle = writeBundle(JSON.stringify(smallConfig()).slice(0, 40));
    await assertRefused(bundle, /^config\.json: is not valid JSON: line 1, column \d+: /);
  });

  it('refuses a file larger than 16 MiB without reading it', async () => {
    const bundle = writeBundle('{}');
    truncateSync(path.join(bundle, 'config.json'), 16 * 1024 * 1024 + 1);
    await assertRefused(bundle, 'config.json: cannot be read: it is larger than 16777216 bytes');
  });

  it('refuses endless nesting', async () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const text = JSON.stringify({ ...smallConfig(), x: 0 }).replace('"x":0', `"x":${nested}`);
    await assertRefused(writeBundle(text), 'config.json: is nested deeper than 64 levels');
  });

  it('takes an escaped or non-ASCII text as it is', async () => {
    const config = { ...smallConfig(), annotations: { title: 'Müller \u2028 "x"\n' } };
    const { config: read } = await Bundle.open(writeBundle(config));
    assert.equal(read.annotations?.title, 'Müller \u2028 "x"\n');
  });
});

describe('readConfig', () => {
  it('names another file in full', async () => {
    const bundle = writeBundle(smallConfig());
    const other = path.join(bundle, 'other.json');
    writeFileSync(other, '{}');
    await assert.rejects(
      readConfig('create', bundle, other),
      bundleError(bundle, /^\/.*\/other\.json: ociVersion: missing/),
    );
  });
});
