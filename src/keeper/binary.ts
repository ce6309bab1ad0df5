import fs from 'node:fs';
import path from 'node:path';
import { RuntimeError } from '../errors';
import { addonDirectory } from '../load-addon';

/** The program that `keeper: 'own'` starts the runtime with: built with the addon, or prebuilt. */
export function findKeeper(): string {
  const file = path.join(addonDirectory(), 'dobby-keeper');
  if (fs.existsSync(file)) return file;
  throw new RuntimeError('ERR_UNSUPPORTED', `keeper: there is no ${file}: 'npx dobby-runc build' builds it`, {
    op: 'construct',
  });
}
