import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { ExitField, native } from '../../src/native';

export const { errno, signals } = constants;

export interface Started {
  pid: number;
  pidfd: number;
  error: number;
  step: number;
}

export interface StartOptions {
  path?: string;
  cwd?: string;
  env?: readonly string[];
  fds?: readonly number[];
  imageFd?: number;
}

type SpawnArguments = [strings: string, argc: number, fds: Int32Array, imageFd: number, out: Int32Array];

function spawnArguments(argv: readonly string[], options: StartOptions): SpawnArguments {
  const strings = [options.path ?? argv[0] ?? '', options.cwd ?? '/', ...argv, ...(options.env ?? [])];
  const fds = Int32Array.from(options.fds ?? [-1, -1, -1]);
  return [strings.join('\0'), argv.length, fds, options.imageFd ?? -1, new Int32Array(4)];
}

function started(out: Int32Array): Started {
  return { pid: out[0] ?? 0, pidfd: out[1] ?? 0, error: out[2] ?? 0, step: out[3] ?? 0 };
}

export function start(argv: readonly string[], options: StartOptions = {}): Started {
  const args = spawnArguments(argv, options);
  native.spawn(...args);
  return started(args[4]);
}

export function startLater(argv: readonly string[], options: StartOptions = {}): Promise<Started> {
  const args = spawnArguments(argv, options);
  return new Promise((resolve) => {
    native.spawn(...args, () => resolve(started(args[4])));
  });
}

/** A busybox applet, or any other program, in a shell. */
export const shell = (script: string): string[] => ['/bin/busybox', 'sh', '-c', script];

/** A program that opens the other side of the pty master on descriptor 3 as S, and does something with it. */
export function openTerminal(perl: string): string[] {
  const unlock = `open(M, "+<&=3"); $z = pack("i", 0); ioctl(M, 0x40045431, $z); $n = pack("i", 0); ioctl(M, 0x80045430, $n)`;
  const O_RDWR_NOCTTY = '0402';
  return [
    '/usr/bin/perl',
    '-e',
    `${unlock}; sysopen(S, "/dev/pts/" . unpack("i", $n), ${O_RDWR_NOCTTY}) or die $!; ${perl}; exit 0`,
  ];
}

export interface ExitRecord {
  code: number;
  status: number;
  source: number;
}

const waiting = new Map<number, (exit: ExitRecord) => void>();
let nextToken = 1;

/** How many calls of onExits there were. */
export const wakeUps = { count: 0 };

/** Opens the exit watch of this environment at the first call. */
export function watch(pid: number, pidfd: number): { token: number; exited: Promise<ExitRecord> } {
  if (nextToken === 1) openWatch();
  const token = nextToken++;
  const exited = new Promise<ExitRecord>((resolve) => waiting.set(token, resolve));
  const result = native.watch(token, pidfd, pid);
  if (result < 0) throw new Error(`watch: ${result}`);
  return { token, exited };
}

function openWatch(): void {
  const batch = new Int32Array(ExitField.Width * 16);
  const opened = native.openExitWatch(batch, (count) => {
    wakeUps.count++;
    for (let i = 0; i < count; i++) {
      const entry = batch.subarray(i * ExitField.Width, (i + 1) * ExitField.Width);
      const [token = 0, code = 0, status = 0, source = 0] = entry;
      const resolve = waiting.get(token);
      waiting.delete(token);
      resolve?.({ code, status, source });
    }
  });
  if (opened < 0) throw new Error(`openExitWatch: ${opened}`);
}

/** Starts a program and waits for its end. */
export function run(argv: readonly string[], options: StartOptions = {}): Promise<ExitRecord> {
  const { pid, pidfd, error, step } = start(argv, options);
  if (error !== 0) throw new Error(`spawn: step ${step}: ${error}`);
  return watch(pid, pidfd).exited;
}

export function pipe(): [readFd: number, writeFd: number] {
  const ends = new Int32Array(2);
  const result = native.pipe(ends);
  if (result < 0) throw new Error(`pipe: ${result}`);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** Everything up to the end of file. Takes the descriptor over. */
export function readAll(fd: number): Promise<string> {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(65536);
  return new Promise((resolve, reject) => {
    const finish = (error?: Error) => {
      native.pollClose(fd);
      if (error) reject(error);
      else resolve(Buffer.concat(chunks).toString());
    };
    const result = native.poll(fd, 1, () => {
      const n = native.read(fd, chunk, 0, chunk.length);
      if (n > 0) chunks.push(Buffer.from(chunk.subarray(0, n)));
      else if (n === 0) finish();
      else if (n !== -errno.EAGAIN) finish(new Error(`read: ${n}`));
    });
    if (result < 0) reject(new Error(`poll: ${result}`));
  });
}

/** What a program prints. */
export async function output(argv: readonly string[], options: StartOptions = {}): Promise<string> {
  const [readFd, writeFd] = pipe();
  const [stdin = -1, , stderr = -1, ...rest] = options.fds ?? [];
  const exited = run(argv, { ...options, fds: [stdin, writeFd, stderr, ...rest] });
  const text = await readAll(readFd);
  await exited;
  return text;
}

export function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd');
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until the condition holds; says what did not come true otherwise. */
export async function until(condition: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(2);
  }
}
