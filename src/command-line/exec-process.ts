import type { TtySize } from '../console/pty';
import { argumentTypeError } from '../errors';
import type { OciConfig, OciProcess } from '../oci';
import { checkEnvironment, checkPath, type ExecOptions } from '../runtime/options';

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
 * a process of the caller's, the size of its terminal, additional groups (crun has no flag for them), and environment
 * and capabilities (crun's flags replace the container's own, runc's add to them; here they are added).
 */
export function execProcess(
  command: readonly string[],
  o: ExecOptions,
  tty: TtySize | true | null,
  containerConfig: () => OciConfig,
): OciProcess | null {
  const gids = typeof o.user === 'object' ? o.user.additionalGids : undefined;
  const added = o.capabilities ?? [];
  const env = Object.entries(o.env ?? {});
  const size = typeof tty === 'object' ? tty : null;
  if (!o.process && !gids?.length && added.length === 0 && env.length === 0 && !size) return null;
  const base = o.process ?? containerConfig().process ?? { cwd: '/', args: [] };
  return {
    ...base,
    terminal: tty !== null,
    ...(size ? { consoleSize: { width: size.cols, height: size.rows } } : {}),
    args: command.length > 0 ? [...command] : [...(base.args ?? [])],
    cwd: o.cwd ?? base.cwd ?? '/',
    env: [
      ...(base.env ?? []).filter((entry) => !env.some(([name]) => entry.startsWith(`${name}=`))),
      ...env.map(([name, value]) => `${name}=${value}`),
    ],
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
