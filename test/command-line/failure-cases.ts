import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BundleSpec, Container, CreateOptions, DobbyRunC, ErrorCode } from '../../src/index';
import { newBundle, newId } from '../helpers/containers';
import type { RuntimeKind } from '../helpers/environment';
import { makeRootfs } from '../helpers/rootfs';
import { temporaryDirectory } from '../helpers/temporary';

/** 'succeeds': this kind of runtime sees nothing wrong. */
export type Outcome = ErrorCode | 'succeeds';

/** A way to make the runtime fail. */
export interface FailureCase {
  readonly name: string;
  /** What each kind's failure has to be told as. */
  readonly outcome: Outcome | Readonly<Record<RuntimeKind, Outcome>>;
  /** Settles as the failing operation does; what it has made is in `made`. */
  run(dobby: DobbyRunC, made: Made): Promise<unknown>;
}

/** The outcome that a case has to have with one kind of runtime. */
export function outcomeOf({ outcome }: FailureCase, kind: RuntimeKind): Outcome {
  return typeof outcome === 'string' ? outcome : outcome[kind];
}

/** Makes containers, and knows them so that they can be removed. */
export class Made {
  readonly ids: string[] = [];
  readonly #dobby: DobbyRunC;

  constructor(dobby: DobbyRunC) {
    this.#dobby = dobby;
  }

  newId(purpose = 'fails'): string {
    const id = newId(purpose);
    this.ids.push(id);
    return id;
  }

  async create(spec: Partial<BundleSpec> = {}, o: CreateOptions = {}, id = this.newId()): Promise<Container> {
    const { args = ['/bin/sleep', '100'], ...rest } = spec;
    return this.#dobby.create(id, await newBundle(args, rest), o);
  }

  async running(): Promise<Container> {
    const container = await this.create();
    await container.start();
    return container;
  }

  async stopped(): Promise<Container> {
    const container = await this.running();
    await container.kill('SIGKILL');
    await container.exited;
    return container;
  }

  async paused(): Promise<Container> {
    const container = await this.running();
    await container.pause();
    return container;
  }

  async removeAll(): Promise<void> {
    for (const id of this.ids) {
      await this.#dobby.resume(id).catch(() => {});
      await this.#dobby.destroy(id, { force: true }).catch(() => {});
    }
  }
}

const kStates = ['running', 'paused', 'stopped'] as const;

/** Words of the runtimes' own, in names that a caller may choose. */
const kMisleading = [
  'the container is paused',
  'container a already exists',
  'container does not exist',
  'exec.fifo',
  'cgroup',
  'permission denied',
  'error executing hook',
  'config.json',
];

/** A file system of its own, with files in it. */
function rootfsWith(files: Readonly<Record<string, number>>): string {
  const rootfs = makeRootfs(path.join(temporaryDirectory('rootfs'), 'rootfs'));
  for (const [name, mode] of Object.entries(files)) {
    writeFileSync(path.join(rootfs, name), '#!/bin/sh\n');
    chmodSync(path.join(rootfs, name), mode);
  }
  return rootfs;
}

function hook(args: readonly string[], hookPath = '/bin/sh'): { path: string; args: string[] } {
  return { path: hookPath, args: [hookPath, ...args] };
}

const unknownContainer: FailureCase[] = (
  [
    ['state', (dobby, id) => dobby.inspect(id)],
    ['start', (dobby, id) => dobby.start(id)],
    ['kill', (dobby, id) => dobby.killCont(id, 'SIGTERM')],
    ['kill all', (dobby, id) => dobby.killCont(id, 'SIGKILL', { all: true })],
    ['pause', (dobby, id) => dobby.pause(id)],
    ['resume', (dobby, id) => dobby.resume(id)],
    ['exec', (dobby, id) => dobby.exec(id, ['/bin/true'])],
    ['destroy', (dobby, id) => dobby.destroy(id)],
  ] as [string, (dobby: DobbyRunC, id: string) => Promise<unknown>][]
).map(([verb, run]) => ({
  name: `${verb} of an unknown container`,
  outcome: 'ERR_CONTAINER_NOT_FOUND',
  run: (dobby) => run(dobby, newId('nobody')),
}));

/** null: it can be done. 'BOTH' kinds alike unless an object says otherwise. */
const byState: Record<
  string,
  [
    Partial<Record<(typeof kStates)[number], FailureCase['outcome']>>,
    (dobby: DobbyRunC, id: string) => Promise<unknown>,
  ]
> = {
  start: [
    { running: 'ERR_BAD_STATE', paused: 'ERR_BAD_STATE', stopped: 'ERR_BAD_STATE' },
    (dobby, id) => dobby.start(id),
  ],
  kill: [{ stopped: 'ERR_BAD_STATE' }, (dobby, id) => dobby.killCont(id, 'SIGTERM')],
  pause: [
    { paused: { crun: 'succeeds', runc: 'ERR_BAD_STATE' }, stopped: 'ERR_BAD_STATE' },
    (dobby, id) => dobby.pause(id),
  ],
  resume: [
    { running: { crun: 'succeeds', runc: 'ERR_BAD_STATE' }, stopped: 'ERR_BAD_STATE' },
    (dobby, id) => dobby.resume(id),
  ],
  exec: [
    { paused: 'ERR_BAD_STATE', stopped: 'ERR_BAD_STATE' },
    (dobby, id) => dobby.exec(id, ['/bin/true'], { timeoutMs: 3000 }),
  ],
};

const wrongState: FailureCase[] = Object.entries(byState).flatMap(([verb, [outcomes, run]]) =>
  kStates.flatMap((state): FailureCase[] => {
    const outcome = outcomes[state];
    if (outcome === undefined) return [];
    return [
      {
        name: `${verb} of a ${state} container`,
        outcome,
        run: async (dobby, made) => {
          const container = await made[state]();
          return run(dobby, container.containerId);
        },
      },
    ];
  }),
);

const programs: FailureCase[] = ['exec', 'create'].flatMap((verb): FailureCase[] => {
  const of = (what: string, file: string, files: Record<string, number> = {}): FailureCase => ({
    name: `${verb} of ${what}`,
    outcome: 'ERR_EXEC_NOT_FOUND',
    run: async (_dobby, made) => {
      const rootfs = rootfsWith(files);
      if (verb === 'create') return (await made.create({ rootfs, args: [file] })).start();
      const container = await made.create({ rootfs });
      await container.start();
      return container.exec([file]);
    },
  });
  return [
    of('a program that is not there', '/no/such/program'),
    of('a program that is not on PATH', 'no-such-program'),
    of('a program that is not executable', '/data', { data: 0o644 }),
    of('a directory', '/tmp'),
    ...(verb === 'exec' ? kMisleading : []).map((word) => of(`the program '/bin/${word}'`, `/bin/${word}`)),
  ];
});

const directories: FailureCase[] = [
  ...['/no/such/directory', ...kMisleading.map((word) => `/${word}`)].map(
    (cwd): FailureCase => ({
      name: `exec with cwd '${cwd}'`,
      outcome: 'ERR_CWD_NOT_FOUND',
      run: async (_dobby, made) => (await made.running()).exec(['/bin/true'], { cwd }),
    }),
  ),
  {
    name: 'exec with cwd and env, cwd is not there',
    outcome: 'ERR_CWD_NOT_FOUND',
    run: async (_dobby, made) => (await made.running()).exec(['/bin/true'], { cwd: '/no', env: { A: 'b' } }),
  },
  {
    name: 'exec with a file as cwd',
    outcome: 'ERR_CWD_NOT_FOUND',
    run: async (_dobby, made) => (await made.running()).exec(['/bin/true'], { cwd: '/bin/busybox' }),
  },
];

const hooks: FailureCase[] = [
  ...(['prestart', 'createRuntime', 'createContainer'] as const).flatMap((point): FailureCase[] => [
    {
      name: `create with a ${point} hook that fails`,
      outcome: 'ERR_HOOK_FAILED',
      run: (_dobby, made) =>
        made.create({ hooks: { [point]: [hook(['-c', 'echo its words >&2; exit 3'])] } }),
    },
    {
      name: `create with a ${point} hook that is not there`,
      outcome: 'ERR_HOOK_FAILED',
      run: (_dobby, made) => made.create({ hooks: { [point]: [hook([], '/no/such/hook')] } }),
    },
  ]),
  {
    name: 'create with a hook that says misleading words',
    outcome: 'ERR_HOOK_FAILED',
    run: (_dobby, made) =>
      made.create({ hooks: { prestart: [hook(['-c', 'echo container a already exists >&2; exit 3'])] } }),
  },
  {
    name: 'create with a hook of a misleading name',
    outcome: 'ERR_HOOK_FAILED',
    run: (_dobby, made) =>
      made.create({ hooks: { prestart: [hook([], '/no/container is paused/already exists')] } }),
  },
];

const creates: FailureCase[] = [
  {
    name: 'create of an id that exists',
    outcome: 'ERR_CONTAINER_EXISTS',
    run: async (_dobby, made) => {
      const { containerId } = await made.create();
      return made.create({}, {}, containerId);
    },
  },
  {
    name: 'create with an option that there is not',
    outcome: 'ERR_UNSUPPORTED',
    run: (_dobby, made) => made.create({}, { extraArgs: ['--no-such-option'] }),
  },
  {
    name: 'create with a root file system that has gone',
    outcome: 'ERR_INVALID_BUNDLE',
    run: async (dobby, made) => {
      const directory = path.join(temporaryDirectory('rootfs'), 'rootfs');
      mkdirSync(directory);
      const bundle = await newBundle(['/bin/true'], { rootfs: directory });
      rmSync(directory, { recursive: true });
      return dobby.create(made.newId(), bundle);
    },
  },
  {
    name: 'create with processors that there are not',
    outcome: 'ERR_CGROUP',
    run: (_dobby, made) => made.create({ resources: { cpu: { cpus: '4000' } } }),
  },
  ...kMisleading.map(
    (word): FailureCase => ({
      name: `create of a program that is not there, the bundle below '${word}'`,
      outcome: 'ERR_EXEC_NOT_FOUND',
      run: async (dobby, made) => {
        const rootfs = makeRootfs(path.join(temporaryDirectory('rootfs'), word, 'rootfs'));
        const bundle = await newBundle([`/bin/${word}`], { rootfs });
        const container = await dobby.create(made.newId(), bundle, {});
        return container.start();
      },
    }),
  ),
  ...['cgroup', 'container', 'paused', 'already-exists', 'exec.fifo', 'state.json', 'config.json'].map(
    (id): FailureCase => ({
      name: `start of an unknown container with the id '${id}'`,
      outcome: 'ERR_CONTAINER_NOT_FOUND',
      run: (dobby) => dobby.start(id),
    }),
  ),
  ...['cgroup', 'container', 'paused', 'does-not-exist', 'exec.fifo'].map(
    (id): FailureCase => ({
      name: `exec of a program that is not there in a container with the id '${id}'`,
      outcome: 'ERR_EXEC_NOT_FOUND',
      run: async (_dobby, made) => {
        made.ids.push(id);
        const container = await made.create({}, {}, id);
        await container.start();
        return container.exec(['/no/such/program']);
      },
    }),
  ),
];

export const failureCases: readonly FailureCase[] = [
  ...unknownContainer,
  ...wrongState,
  ...programs,
  ...directories,
  ...hooks,
  ...creates,
];
