import type { Settings } from '../runtime/options';

/** What every command line begins with, after the program's name. logPath: where this call's log goes. */
export function globalArgs(s: Settings, logPath: string): string[] {
  const args = ['--root', s.root, '--log', logPath, '--log-format', 'json'];
  if (s.debug) args.push('--debug');
  if (s.cgroupManager === 'systemd') args.push('--systemd-cgroup');
  // runc has no --cgroup-manager: 'disabled' is crun's alone.
  if (s.cgroupManager === 'disabled') args.push('--cgroup-manager', 'disabled');
  if (s.rootless !== null) args.push(`--rootless=${s.rootless}`);
  return args;
}

export interface CreateArgs {
  bundle: string;
  configPath?: string;
  consoleSocket?: string;
  pidFile: string;
  fileCount: number;
  noPivot?: boolean;
  noNewKeyring?: boolean;
  extraArgs?: readonly string[];
}

export function createArgs(id: string, o: CreateArgs): string[] {
  const args = ['create', '--bundle', o.bundle, '--pid-file', o.pidFile];
  if (o.configPath !== undefined) args.push('--config', o.configPath);
  if (o.consoleSocket !== undefined) args.push('--console-socket', o.consoleSocket);
  if (o.fileCount > 0) args.push('--preserve-fds', String(o.fileCount));
  if (o.noPivot) args.push('--no-pivot');
  if (o.noNewKeyring) args.push('--no-new-keyring');
  args.push(...(o.extraArgs ?? []), id);
  return args;
}

export interface ExecArgs {
  detach: boolean;
  processPath: string;
  consoleSocket?: string;
  pidFile: string;
  fileCount: number;
  cgroup?: string | undefined;
}

/** The command, and all else about the process, stands in the process file (see exec-process). */
export function execArgs(id: string, a: ExecArgs): string[] {
  const args = ['exec', '--pid-file', a.pidFile];
  if (a.detach) args.push('--detach');
  if (a.consoleSocket !== undefined) args.push('--console-socket', a.consoleSocket);
  if (a.fileCount > 0) args.push('--preserve-fds', String(a.fileCount));
  if (a.cgroup !== undefined) args.push('--cgroup', a.cgroup);
  args.push('--process', a.processPath, id);
  return args;
}

/** Signals go by number: crun 1.8.1 takes a name it does not know for signal 0 and says success. */
export function killArgs(id: string, signalNumber: number, all: boolean): string[] {
  return ['kill', ...(all ? ['--all'] : []), id, String(signalNumber)];
}

export function deleteArgs(id: string, force: boolean): string[] {
  return ['delete', ...(force ? ['--force'] : []), id];
}
