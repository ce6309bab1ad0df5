import fs from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FdStream } from '../src/index';
import { isBaseline, runBaseline } from './contestants/baseline';
import type { BenchContainer, ContainerDriver } from './contestants/container-driver';
import { openContainerDriver } from './contestants/container-drivers';
import { NodePtyDriver } from './contestants/node-pty';
import { runtimeFor } from './machine';
import { type Job, pick, type Question, type Samples, type Scale } from './question';
import { nowNs } from './timing';
import { bundleFor, runtimeRoot } from './workspace';

type Way = 'pipe' | 'file' | 'tty';

export const output: Question = {
  name: 'output',
  asks: "How fast does a container's output arrive, and what does that cost?",
  how:
    'A container writes 64 KiB at a time: to JavaScript by a pipe, to a file, to JavaScript by a terminal. From the ' +
    'first byte (file: from the call of start) to the end; processor time is the reading process alone.',
  measures: [
    { name: 'rate', title: 'throughput', unit: 'bytes per second', better: 'higher' },
    { name: 'cpu', title: 'processor time per GiB', unit: 'ns', better: 'lower' },
    { name: 'loopDelay', title: 'longest loop delay', unit: 'ns', better: 'lower' },
    { name: 'lost', title: 'bytes lost', unit: 'bytes', better: 'lower' },
  ],
  across: 'way',
  cases: (scale: Scale) =>
    (['pipe', 'file', 'tty'] as const).map((way) => ({
      params: { way, mebibytes: sizeOf(way, scale) },
      contestants: [
        'c-path',
        'spawn',
        'execa',
        ...(way === 'tty' ? ['node-pty'] : []),
        'dobby',
        ...(way === 'file' ? [] : ['dobby-onread']),
      ],
      rounds: pick(scale, { smoke: 1, quick: 2, full: 5 }),
      samples: 1,
      warmup: 0,
    })),
  run: measureOutput,
};

function sizeOf(way: Way, scale: Scale): number {
  return way === 'tty'
    ? pick(scale, { smoke: 1, quick: 64, full: 256 })
    : pick(scale, { smoke: 4, quick: 256, full: 1024 });
}

async function measureOutput(job: Job): Promise<Samples> {
  const way = job.params.way as Way;
  const bytes = (job.params.mebibytes as number) * 2 ** 20;
  const runtime = runtimeFor(job.params);
  const root = runtimeRoot(job.workspace, runtime, job.contestant);
  const bundle = bundleFor(job.workspace, {
    args: ['/probe', 'write', String(bytes), '65536'],
    terminal: way === 'tty',
  });
  const file = path.join(job.workspace.files, `output-${job.serial}`);
  try {
    if (isBaseline(job.contestant)) {
      const raw = await runBaseline('output', {
        runtime,
        root,
        bundle,
        mode: way,
        bytes,
        file,
        prefix: `o${job.serial}-`,
      });
      return figures(bytes, { timeNs: raw.time?.[0], cpuNs: raw.cpu?.[0], lost: raw.lost?.[0] });
    }
    const driver =
      job.contestant === 'node-pty'
        ? await NodePtyDriver.open({ runtime, root })
        : await openContainerDriver(keepsBuffer(job) ? 'dobby' : job.contestant, { runtime, root });
    const measured = await receive(driver, `o${process.pid}-${job.serial}`, bundle, {
      way,
      file,
      bytes,
      keepsBuffer: keepsBuffer(job),
    });
    await driver.close();
    return measured;
  } finally {
    fs.rmSync(file, { force: true });
  }
}

interface Transfer {
  way: Way;
  file: string;
  bytes: number;
  /** Whether the output is read into one buffer (onread). */
  keepsBuffer: boolean;
}

function keepsBuffer(job: Job): boolean {
  return job.contestant === 'dobby-onread';
}

async function receive(
  driver: ContainerDriver,
  id: string,
  bundle: string,
  transfer: Transfer,
): Promise<Samples> {
  const { way, file, bytes, keepsBuffer: isKept } = transfer;
  const container = await driver.create(id, bundle, {
    stdout: way === 'file' ? { file } : 'pipe',
    tty: way === 'tty',
  });
  const exited = container.exited;
  const counted = way === 'file' ? null : count(container, isKept);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const called = nowNs();
  await driver.start(id);
  const { total, firstNs } = counted ? await counted : { total: null, firstNs: called };
  await exited;
  const timeNs = nowNs() - firstNs;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  await driver.destroy(id);
  const got = total ?? fs.statSync(file).size;
  return {
    ...figures(bytes, { timeNs, cpuNs: (user + system) * 1000, lost: bytes - got }),
    loopDelay: [delay.max],
  };
}

function count(container: BenchContainer, isKept: boolean): Promise<{ total: number; firstNs: number }> {
  const stream = container.output;
  if (!stream) throw new Error('the container has no output');
  return new Promise((resolve, reject) => {
    let total = 0;
    let firstNs = 0;
    const add = (byteCount: number): void => {
      if (total === 0) firstNs = nowNs();
      total += byteCount;
    };
    if (isKept) (stream as FdStream).onread(add);
    else stream.on('data', (chunk: Uint8Array) => add(chunk.length));
    stream.once('error', reject);
    stream.once('close', () => resolve({ total, firstNs }));
  });
}

interface Measured {
  timeNs: number | undefined;
  cpuNs: number | undefined;
  lost: number | undefined;
}

function figures(
  bytes: number,
  { timeNs = Number.NaN, cpuNs = Number.NaN, lost = Number.NaN }: Measured,
): Samples {
  return {
    rate: [(bytes / timeNs) * 1e9],
    cpu: [(cpuNs / bytes) * 2 ** 30],
    lost: [lost],
  };
}
