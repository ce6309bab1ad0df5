// Starts containers and processes in them, under keepers, until it is killed. Arguments: root, journal, output, shift.
import { openSync, writeSync } from 'node:fs';
import { type ContainerProcess, DobbyRunC } from '../../src/index';
import { newBundle, newId } from '../helpers/containers';
import { runtime } from '../helpers/environment';
import { type KeptEntry, targetOf, type Work, workOf } from './kept-work';

const [root = '', journal = '', output = '', shift = '0'] = process.argv.slice(2);
const lanes = 3;
const dobby = new DobbyRunC({ runtime, root, keeper: 'own' });
const fd = openSync(journal, 'a');
let last = Number(shift) * 1000;

function follow(process: ContainerProcess, { number }: Work, isInit: boolean): void {
  const { containerId: id, pid } = process;
  const note = (entry: Pick<KeptEntry, 'step' | 'code'>): void => {
    writeSync(fd, `${JSON.stringify({ id, pid, number, isInit, ...entry })}\n`);
  };
  note({ step: 'started' });
  void process.exited.then(({ code }) => note({ step: 'told', code }));
}

async function lane(): Promise<never> {
  for (;;) {
    const work = workOf(last++);
    const bundle = await newBundle(['/bin/sh', '-c', work.script.replace('exit', 'sleep 1; exit')]);
    const container = await dobby.run(newId('kept'), bundle, { stdout: targetOf(work, output) });
    follow(container, work, true);
    const execs = [workOf(last++), workOf(last++)];
    await Promise.allSettled(
      execs.map(async (each) => {
        const process = await container.exec(['/bin/sh', '-c', each.script], {
          stdout: targetOf(each, output),
        });
        follow(process, each, false);
      }),
    );
  }
}

process.stdout.write('ready\n');
for (let number = 0; number < lanes; number++) void lane();
