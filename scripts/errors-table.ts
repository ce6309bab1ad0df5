// node dist/scripts/errors-table.js: writes the tables of docs/errors.md from the tests' own definitions.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withTables } from '../test/faults/table';

const file = path.join(__dirname, '../../docs/errors.md');
writeFileSync(file, withTables(readFileSync(file, 'utf8')));
