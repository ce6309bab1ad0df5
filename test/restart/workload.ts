// A busy process that restart.test.ts kills: creates, execs, streams and destroys containers until then.
// Arguments: root, directory with the bundles, journal, directory for output files.
import { openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Container, type CreateOptions, DobbyRunC } from '../../src/index';
import { newId } from '../helpers/containers';
import { runtime } from '../helpers/environment';
import { note } from './journal';

const [root = '', bundles = '', journal = '', output = ''] = process.argv.slice(2);
const lanes = 4;
const dobby = new DobbyRunC({ runtime, root });
const fd = openSync(journal, 'a');

async function lane(number: number): Promise<never> {
  for (let round = 0; ; round++) {
    const kept = (number + round) % 2 === 0;
    const id = newId(kept ? 'kept' : 'file');
    const target: CreateOptions['stdout'] = kept ? 'kept-pipe' : { file: path.join(output, id) };
    note(fd, { step: 'creating', id });
    const container = await dobby.run(id, path.join(bundles, 'ticker'), { stdout: target });
    note(fd, { step: 'running', id });
    readAll(container);
    await execs(container, 3);
    if (Math.random() < 0.5) await delay(100 * Math.random());
    if (Math.random() < 0.3) {
      await container.pause();
      await container.resume();
    }
    // Some stay, so that there is always something to adopt.
    if (round % 3 === 2) continue;
    note(fd, { step: 'destroying', id });
    await container.destroy({ force: true });
    note(fd, { step: 'gone', id });
  }
}

/** Output counts as taken when the journal says so, so that the successor can continue the count. */
function readAll({ containerId: id, stdout }: Container): void {
  let bytes = 0;
  stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    note(fd, { step: 'read', id, bytes });
  });
}

async function execs(container: Container, count: number): Promise<void> {
  const made = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      container.exec(['/bin/sh', '-c', `echo ${index}; sleep 0.0${index}`], {
        stdout: index ? 'pipe' : 'ignore',
      }),
    ),
  );
  for (const each of made) {
    each.stdout?.resume();
    await each.exited;
  }
}

process.stdout.write('ready\n');
for (let number = 0; number < lanes; number++) void lane(number);
