// A process that is killed: one container and three exec'd processes, under keepers, that end when a file goes.
// Arguments: root, id, a directory, where report.json appears when all are started.
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DobbyRunC } from '../../src/index';
import { execRecords, initRecord } from '../../src/keeper/keeper';
import { newBundle } from '../helpers/containers';
import { runtime } from '../helpers/environment';

const [root = '', id = '', place = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const gate = path.join(place, 'gate');
  writeFileSync(gate, '');
  const wait = 'while [ -e /gate/gate ]; do usleep 10000; done';
  const bundle = await newBundle(['/bin/sh', '-c', `echo first; ${wait}; sleep 1; echo last; exit 9`], {
    mounts: [{ destination: '/gate', source: place, type: 'bind', options: ['bind', 'ro'] }],
  });
  const dobby = new DobbyRunC({ runtime, root, keeper: 'own' });
  // Never read here: all of it is for the successor.
  const container = await dobby.run(id, bundle, { stdout: 'kept-pipe' });
  for (const code of [21, 22, 23])
    await container.exec(['/bin/sh', '-c', `${wait}; echo exec ${code}; exit ${code}`], {
      stdout: 'kept-pipe',
    });
  const records = [initRecord(root, id), ...execRecords(root, id, true)];
  writeFileSync(path.join(place, 'new'), JSON.stringify({ gate, records }));
  renameSync(path.join(place, 'new'), path.join(place, 'report.json'));
}

void main();
