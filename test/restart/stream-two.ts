// Runs one container with a pipe and one with a kept pipe. Arguments: root, id of the first, of the second.
import { DobbyRunC } from '../../src/index';
import { newBundle } from '../helpers/containers';
import { runtime } from '../helpers/environment';

const [root = '', piped = '', kept = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const dobby = new DobbyRunC({ runtime, root });
  // yes ends when a write fails; an init gets EPIPE where another process would be ended by SIGPIPE.
  const bundle = await newBundle(['yes']);
  for (const [id, stdout] of [
    [piped, 'pipe'],
    [kept, 'kept-pipe'],
  ] as const) {
    const container = await dobby.run(id, bundle, { stdout });
    await new Promise((resolve) => container.stdout?.once('readable', resolve));
  }
  process.stdout.write('ready\n');
}

void main();
