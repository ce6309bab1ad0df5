import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { versionGate } from '../../direct/versions';
import { Bundle, DobbyRunC, type RuntimeError } from '../../index';
import { addonDirectory } from '../../load-addon';
import { bad, type Finding, good, lack } from './finding';

const kinds = ['crun', 'runc'] as const;
const direct = 'state, list, start, kill, pause, resume, destroy';

/** The helper program says 125 to a start without arguments: a static program that every package has. */
const kExpectedCode = 125;

/** Makes a container, waits for its end and removes it. undefined when that worked, else the failure. */
async function runContainer(runtime: string): Promise<RuntimeError | Error | undefined> {
  const at = fs.mkdtempSync(path.join(os.tmpdir(), 'dobby-doctor-'));
  const dobby = new DobbyRunC({ runtime, root: path.join(at, 'state') });
  try {
    fs.mkdirSync(path.join(at, 'rootfs'));
    fs.copyFileSync(path.join(addonDirectory(), 'dobby-keeper'), path.join(at, 'rootfs/program'));
    const bundle = await Bundle.create(at, { rootfs: 'rootfs', args: ['/program'] });
    const id = `doctor-${process.pid}`;
    const container = await dobby.run(id, bundle, { timeoutMs: 15_000 });
    const { code, source } = await container.exited;
    await container.destroy();
    if (source !== 'unobserved' && code !== kExpectedCode) return new Error(`its program ended with ${code}`);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await dobby[Symbol.asyncDispose]();
    fs.rmSync(at, { recursive: true, force: true });
  }
}

function versionOf(runtime: string): string | undefined {
  try {
    return execFileSync(runtime, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}

function cureFor(error: Error, isRoot: boolean): string {
  const { code } = error as RuntimeError;
  if (code === 'ERR_CGROUP') return "see 'cgroups'";
  if (!isRoot && code === 'ERR_PERMISSION') return "run as root, or see 'user namespaces'";
  if (error.message.includes('RLIM_MEMLOCK')) {
    return 'crun up to 1.8 needs CAP_SYS_RESOURCE with cgroup v2: a newer crun, or more rights';
  }
  return 'those are the words of the runtime';
}

/** Each runtime, by making a container with it. `works` when one did. */
export async function runtimeFindings(isRoot: boolean): Promise<{ findings: Finding[]; works: boolean }> {
  const findings: Finding[] = [];
  let works = false;
  const there = kinds.map((kind) => ({ kind, said: versionOf(kind) }));
  for (const { kind, said } of there) {
    if (said === undefined) continue;
    const version = /version (\S+)/.exec(said)?.[1] ?? 'of unknown version';
    const gate = versionGate(kind, version);
    const verbs = 'why' in gate ? `no verb is direct (${gate.why})` : `direct: ${direct}`;
    const failure = await runContainer(kind);
    if (failure === undefined) {
      works = true;
      findings.push(
        'why' in gate
          ? lack(
              kind,
              `${version}: a container ran; ${verbs}`,
              'state, start, kill and others take 3 to 20 ms more',
              `a version that is proven: docs/platforms.md`,
            )
          : good(kind, `${version}: a container ran; ${verbs}`),
      );
    } else {
      findings.push(
        lack(
          kind,
          `${version}: no container ran`,
          (failure.message.trim().split('\n').at(-1) ?? '').replace(/ \('npx dobby-runc doctor'.*/, ''),
          cureFor(failure, isRoot),
        ),
      );
    }
  }
  if (!works) {
    const isNone = there.every(({ said }) => said === undefined);
    findings.push(
      isNone
        ? bad(
            'runtimes',
            'neither crun nor runc is on PATH',
            'no container can be made',
            'sudo apt-get install crun',
          )
        : bad(
            'runtimes',
            'none of those that are here made a container',
            'no container can be made',
            'see above',
          ),
    );
  }
  return { findings, works };
}
