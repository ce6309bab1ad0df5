// npm run build:native: node-gyp, with Node's headers from beside the node binary when they are there, so
// that nothing needs to be downloaded. Arguments are node-gyp's commands; 'rebuild' without any.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const prefix = path.resolve(process.execPath, '../..');
const args = process.argv.length > 2 ? process.argv.slice(2) : ['rebuild'];
// npm passes its own nodedir setting in the environment; that one goes first.
if (!process.env.npm_config_nodedir && existsSync(path.join(prefix, 'include/node/node_api.h'))) {
  args.push(`--nodedir=${prefix}`);
}
const { status, error } = spawnSync('node-gyp', [...args, '--jobs=max'], { stdio: 'inherit' });
if (error) console.error(`node-gyp: ${error.message} (npm run build:native finds it, node alone may not)`);
process.exitCode = status ?? 1;
