import fs from 'node:fs';
import path from 'node:path';
import { RuntimeError } from '../errors';

/** The program that `keeper: 'own'` starts the runtime with: built with the addon, or prebuilt. */
export function findKeeper(): string {
  const root = path.join(__dirname, '..', '..', '..');
  const places = ['build/Release', `prebuilds/${process.platform}-${process.arch}`];
  for (const place of places) {
    const file = path.join(root, place, 'dobby-keeper');
    if (fs.existsSync(file)) return file;
  }
  throw new RuntimeError(
    'ERR_UNSUPPORTED',
    `keeper: no dobby-keeper for ${process.platform}-${process.arch}: run 'npm run build:native' in ${root}`,
    { op: 'construct' },
  );
}
