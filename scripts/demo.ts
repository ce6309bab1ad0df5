// The demonstration that `npm run demo` runs: a container's whole life by the public API, timed.
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { Bundle, DobbyRunC } from '../src/index';
import { leftSince, snapshot } from '../test/helpers/leaks';
import { makeRootfs } from '../test/helpers/rootfs';
import { temporaryDirectory } from '../test/helpers/temporary';

const id = `demo-${process.pid}`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Does one step and prints what it was, what came of it and how long it took. */
async function step<Result>(
  name: string,
  work: () => Promise<Result>,
  describe?: (result: Result) => string,
): Promise<Result> {
  const startMs = performance.now();
  const result = await work();
  const tookMs = performance.now() - startMs;
  say(`${name.padEnd(10)}${tookMs.toFixed(1).padStart(8)} ms   ${describe?.(result) ?? ''}`.trimEnd());
  return result;
}

/** Collects what a stream gives; `first` is its first piece. */
function collect(stream: Readable | null): { first: Promise<string>; all: () => string } {
  let all = '';
  stream?.setEncoding('utf8').on('data', (piece: string) => {
    all += piece;
  });
  const first = stream === null ? Promise.resolve('') : once(stream, 'data').then(([piece]) => String(piece));
  return { first, all: () => all };
}

async function liveAndDie(dobby: DobbyRunC, bundle: Bundle): Promise<void> {
  const container = await step(
    'create',
    () => dobby.create(id, bundle, { stdout: 'pipe' }),
    (made) => `${id}, pid ${made.pid}`,
  );
  const printed = collect(container.stdout);

  await step('start', () => dobby.start(id));
  await step('prints', () => printed.first, JSON.stringify);
  await step(
    'state',
    () => dobby.state(id),
    (status) => `'${status}'`,
  );
  await step(
    'list',
    () => dobby.list(),
    (items) => items.map((item) => `${item.id} ${item.status}`).join(', '),
  );

  const command = ['sh', '-c', 'hostname; exit 7'];
  const child = await step(
    'exec',
    () => dobby.exec(id, command, { stdout: 'pipe' }),
    (made) => `${command.join(' ')}, pid ${made.pid}`,
  );
  const execPrinted = collect(child.stdout);
  await step(
    'ends',
    () => child.exited,
    (exit) => `exit code ${exit.code}, printed ${JSON.stringify(execPrinted.all())}`,
  );

  await step('pause', () => dobby.pause(id));
  await step(
    'state',
    () => dobby.state(id),
    (status) => `'${status}'`,
  );
  await step('resume', () => dobby.resume(id));
  await step(
    'state',
    () => dobby.state(id),
    (status) => `'${status}'`,
  );

  await step(
    'stop',
    () => container.stop(),
    (exit) => exit.signal ?? `exit code ${exit.code}`,
  );
  await step('destroy', () => dobby.destroy(id));
  await step(
    'state',
    () => dobby.state(id),
    (status) => `'${status}' (no such container)`,
  );
  say(`\nAll that the container printed: ${JSON.stringify(printed.all())}`);
}

// What the process itself keeps for its next container: the runtime's image and the exit watch.
const kept = [/^descriptors: \/memfd:dobby-runc-image/, /^descriptors: anon_inode:\[event(poll|fd)\]/];

async function main(): Promise<number> {
  const [, , runtime = 'crun', version = runtime] = process.argv;
  const directory = temporaryDirectory('demo');
  makeRootfs(path.join(directory, 'rootfs'));
  const bundle = await Bundle.create(directory, {
    rootfs: 'rootfs',
    hostname: 'dobby',
    // The first process of a container only gets the signals that it handles.
    args: [
      'sh',
      '-c',
      'trap "echo asked to stop; exit 0" TERM; echo hello from $(hostname); while :; do sleep 0.1; done',
    ],
  });
  say(`${version}, root file system: busybox in ${directory}\n`);

  const before = snapshot();
  const dobby = new DobbyRunC({ runtime });
  try {
    await liveAndDie(dobby, bundle);
  } finally {
    await dobby[Symbol.asyncDispose]();
  }
  const isKept = (line: string) => kept.some((pattern) => pattern.test(line));
  const left = await leftSince(before, { isExpected: isKept });
  if (left.length > 0) {
    say(`\nLeft on the machine:\n  ${left.join('\n  ')}`);
    return 1;
  }
  say(
    'Nothing is left on the machine: no process, zombie, cgroup, mount, state directory or temporary file;',
  );
  say(
    "and no descriptor but the process's own for its next container (the runtime's image, the exit watch).",
  );
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
