import { parseArgs } from 'node:util';
import { runDirectory } from '../../system/run-directory';
import { cgroupFindings, cgroupMode } from './cgroups';
import type { Finding } from './finding';
import {
  criuFindings,
  directoryFindings,
  kernelFindings,
  loadNative,
  nodeFindings,
  userFindings,
} from './kernel';
import { report } from './report';

const usage = `usage: dobby-runc doctor [--json]
Tries what containers need on this machine, as the user who calls it, and says what is there, what is not, what that costs
and how to mend it. It makes a container with each runtime and removes it. Exit status 1: no container can run here.
`;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const isRoot = process.geteuid?.() === 0;
  const loaded = loadNative();
  const findings: Finding[] = nodeFindings(loaded);
  let works = false;
  if ('native' in loaded) {
    findings.push(...kernelFindings(loaded.native), ...cgroupFindings(isRoot), ...userFindings(isRoot));
    findings.push(...directoryFindings(runDirectory()));
    const { runtimeFindings } = require('./runtimes') as typeof import('./runtimes');
    const tried = await runtimeFindings(isRoot);
    works = tried.works;
    findings.push(...tried.findings, ...criuFindings());
  }
  if (values.json) {
    const facts = { works, user: isRoot ? 'root' : process.geteuid?.(), cgroups: cgroupMode(), findings };
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
  } else {
    const isColoured = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
    process.stdout.write(report(findings, process.stdout.columns ?? 100, isColoured));
    process.stdout.write(works ? '\nContainers run here.\n' : '\nNo container can run here.\n');
  }
  return works ? 0 : 1;
}
