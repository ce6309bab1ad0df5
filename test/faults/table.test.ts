import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { withTables } from './table';

const docs = path.join(__dirname, '../../../docs/errors.md');

test('docs/errors.md has the tables of these tests (else: node dist/scripts/errors-table.js)', () => {
  const text = readFileSync(docs, 'utf8');
  assert.equal(text, withTables(text));
});

test('docs/errors.md explains every code of src/errors.ts', () => {
  const text = readFileSync(docs, 'utf8');
  const source = readFileSync(path.join(__dirname, '../../../src/errors.ts'), 'utf8');
  const codes = new Set(source.match(/'ERR_[A-Z_]+'/g)?.map((code) => code.slice(1, -1)));
  assert.ok(codes.size >= 16);
  for (const code of codes) assert.ok(text.includes(`| \`${code}\` |`), code);
});
