import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { newBundle } from '../helpers/containers';
import { kind, needsRuntime, runtime, version } from '../helpers/environment';
import { temporaryDirectory } from '../helpers/temporary';

describe('the limit of open files that Node raises for itself', { skip: needsRuntime() }, () => {
  for (const keeper of ['none', 'own'] as const)
    test(`does not go on to a container whose config.json has none, keeper: ${keeper}`, async () => {
      const bundle = await newBundle(['/bin/sh', '-c', 'ulimit -Sn'], { rlimits: [] });
      const script = `
        const { DobbyRunC } = require(${JSON.stringify(require.resolve('../../src/index'))});
        (async () => {
          const dobby = new DobbyRunC({ runtime: process.argv[1], root: process.argv[2], keeper: process.argv[4] });
          const container = await dobby.run('limit', process.argv[3], { stdout: 'buffer' });
          await container.exited;
          const said = [];
          for await (const chunk of container.stdout) said.push(chunk);
          await container.destroy();
          process.stdout.write(Buffer.concat(said));
        })();`;
      const root = path.join(temporaryDirectory('limit'), 'root');
      // The shell stays: who starts Node has the limit that Node was started with.
      const said = execFileSync(
        '/bin/sh',
        [
          '-c',
          'ulimit -Sn 777; "$@"; true',
          'sh',
          process.execPath,
          '-e',
          script,
          runtime,
          root,
          bundle.path,
          keeper,
        ],
        { encoding: 'utf8' },
      );
      // Go raises it as well, and before Go 1.19.13 leaves it so: runc 1.1.5 as Debian 12 builds it.
      if (kind === 'runc' && version === '1.1.5') assert.match(said, /^\d+\n$/);
      else assert.equal(said, '777\n');
    });
});
