import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { supportedVersions } from '../../src/direct/versions';

const repository = path.resolve(__dirname, '../../..');

/** As README.md and docs/runtimes.md have them. */
const rows = supportedVersions.map(
  ({ kind, major, minMinor, maxMinor, proven }) =>
    `| ${kind} | ${major}.${minMinor} to ${major}.${maxMinor} | ${proven.join(', ')} |`,
);

describe('the table of versions', () => {
  for (const file of ['README.md', 'docs/runtimes.md']) {
    it(`in ${file} is what the code has`, () => {
      const text = readFileSync(path.join(repository, file), 'utf8');
      const found = text.split('\n').filter((line) => /^\| (crun|runc) \| \d+\.\d+ to /.test(line));
      assert.deepEqual(found, rows);
    });
  }
});
