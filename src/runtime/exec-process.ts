import fs from 'node:fs';
import { toJson } from '../bundle/json';
import { argumentTypeError } from '../errors';
import { native } from '../native';
import type { OciConfig, OciProcess } from '../oci';
import { systemError } from '../process/exit';
import { checkEnvironment, checkPath, type ExecOptions } from './options';

/** Checks the arguments of exec. Throws TypeError with a code. */
export function checkExec(command: readonly string[], o: ExecOptions): void {
  if (!Array.isArray(command)) throw argumentTypeError('command: must be an array of strings');
  if (command.length === 0 && !o.process?.args?.length)
    throw argumentTypeError('command: must not be empty', 'ERR_INVALID_ARG_VALUE');
  for (const [index, word] of command.entries()) {
    if (typeof word !== 'string')
      throw argumentTypeError(`command[${index}]: must be a string, not ${typeof word}`);
    if (word.includes('\0'))
      throw argumentTypeError(`command[${index}]: holds a NUL byte`, 'ERR_INVALID_ARG_VALUE');
  }
  if (o.env !== undefined) checkEnvironment('env', o.env);
  for (const name of ['cwd', 'cgroup', 'apparmor', 'selinuxLabel'] as const)
    if (o[name] !== undefined) checkPath(name, o[name]);
  for (const capability of o.capabilities ?? [])
    if (typeof capability !== 'string' || !/^CAP_[A-Z_]+$/.test(capability))
      throw argumentTypeError(
        `capabilities: '${capability}' is not of the form CAP_NAME`,
        'ERR_INVALID_ARG_VALUE',
      );
  checkUser(o.user);
}

function checkUser(user: ExecOptions['user']): void {
  if (user === undefined) return;
  const isUid = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
  const isRight =
    typeof user === 'string'
      ? /^\d+(:\d+)?$/.test(user)
      : isUid(user?.uid) &&
        (user.gid === undefined || isUid(user.gid)) &&
        (user.additionalGids === undefined || user.additionalGids.every(isUid));
  if (!isRight)
    throw argumentTypeError(
      "user: must be 'uid[:gid]' or { uid, gid, additionalGids } of whole numbers",
      'ERR_INVALID_ARG_VALUE',
    );
}

/**
 * The process file to give the runtime, or null when its flags can say it all. What flags can't say alike needs one:
 * a process of the caller's, additional groups (crun has no flag for them), and capabilities (crun's --cap replaces
 * the container's own, runc's adds to them; here they are added).
 */
export function execProcess(
  command: readonly string[],
  o: ExecOptions,
  isTerminal: boolean,
  containerConfig: () => OciConfig,
): OciProcess | null {
  const gids = typeof o.user === 'object' ? o.user.additionalGids : undefined;
  const added = o.capabilities ?? [];
  if (o.process === undefined && !gids?.length && added.length === 0) return null;
  const base = o.process ?? containerConfig().process ?? { cwd: '/', args: [] };
  return {
    ...base,
    terminal: isTerminal,
    args: command.length > 0 ? [...command] : [...(base.args ?? [])],
    cwd: o.cwd ?? base.cwd ?? '/',
    env: [...(base.env ?? []), ...Object.entries(o.env ?? {}).map(([name, value]) => `${name}=${value}`)],
    ...(o.user === undefined ? {} : { user: userOf(o.user) }),
    ...(o.apparmor === undefined ? {} : { apparmorProfile: o.apparmor }),
    ...(o.selinuxLabel === undefined ? {} : { selinuxLabel: o.selinuxLabel }),
    ...(o.noNewPrivileges === undefined ? {} : { noNewPrivileges: o.noNewPrivileges }),
    ...(added.length === 0 ? {} : { capabilities: addCapabilities(base.capabilities, added) }),
  };
}

function userOf(user: NonNullable<ExecOptions['user']>): {
  uid: number;
  gid: number;
  additionalGids?: number[];
} {
  if (typeof user === 'string') {
    const [uid = 0, gid = 0] = user.split(':').map(Number);
    return { uid, gid };
  }
  return { gid: 0, ...user };
}

function addCapabilities(
  base: OciProcess['capabilities'],
  added: readonly string[],
): OciProcess['capabilities'] {
  const merge = (set: readonly string[] = []): string[] => [...new Set([...set, ...added])];
  return {
    bounding: merge(base?.bounding),
    effective: merge(base?.effective),
    permitted: merge(base?.permitted),
    inheritable: merge(base?.inheritable),
    ambient: [...(base?.ambient ?? [])],
  };
}

/** A JSON text in a memfd: the runtime opens it by its /proc path; close the descriptor when it has. */
export function jsonMemfd(name: string, value: object): { fd: number; path: string } {
  const fd = native.memfd(name, 0);
  if (fd < 0) throw systemError('memfd_create', fd);
  try {
    fs.writeSync(fd, toJson(value));
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return { fd, path: `/proc/${process.pid}/fd/${fd}` };
}
