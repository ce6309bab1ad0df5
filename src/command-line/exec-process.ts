import type { TtySize } from '../console/pty';
import { argumentTypeError } from '../errors';
import type { OciIoPriority, OciProcess, OciUser } from '../oci';
import type { ProcessAttributes } from '../process/spawn';
import {
  checkBoolean,
  checkEnvironment,
  checkPath,
  type ExecOptions,
  resolvePath,
  type Settings,
} from '../runtime/options';
import { checkOptionNames } from '../system/option-names';

/** Checks the arguments of exec; pidFile is relative to where the process is at the call. Throws TypeError with a code. */
export function resolveExec(command: readonly string[], o: ExecOptions): ExecOptions {
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
  if (o.noNewPrivileges !== undefined) checkBoolean('noNewPrivileges', o.noNewPrivileges);
  checkUser(o.user);
  return o.pidFile === undefined ? o : { ...o, pidFile: resolvePath('pidFile', o.pidFile) };
}

function checkUser(user: ExecOptions['user']): void {
  if (user === undefined) return;
  if (typeof user === 'object' && user !== null)
    checkOptionNames('user', user, ['uid', 'gid', 'additionalGids', 'umask']);
  const isUid = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
  const isRight =
    typeof user === 'string'
      ? /^\d+(:\d+)?$/.test(user)
      : isUid(user?.uid) &&
        (user.gid === undefined || isUid(user.gid)) &&
        (user.additionalGids === undefined || user.additionalGids.every(isUid));
  if (!isRight)
    throw argumentTypeError(
      "user: must be 'uid[:gid]' or { uid, gid, additionalGids } of numbers, as the container sees them; names are not looked up",
      'ERR_INVALID_ARG_VALUE',
    );
}

/**
 * The process to give the runtime, whole: the container's own but for what the caller changes. Flags would not do. What
 * they leave out is the container's on runc and a default on crun, which takes no descriptor limits, no directory and no
 * user of the container then; crun's --env and --cap replace, runc's add; and runc can't be told to drop
 * no_new_privileges.
 */
export function execProcess(
  command: readonly string[],
  o: ExecOptions,
  tty: TtySize | true | null,
  containerProcess: () => OciProcess,
): OciProcess {
  const base = o.process ?? containerProcess();
  const env = Object.entries(o.env ?? {});
  const size = typeof tty === 'object' ? tty : null;
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
    ...(o.user === undefined ? {} : { user: userOf(o.user, base.user?.umask) }),
    ...(o.apparmor === undefined ? {} : { apparmorProfile: o.apparmor }),
    ...(o.selinuxLabel === undefined ? {} : { selinuxLabel: o.selinuxLabel }),
    ...(o.noNewPrivileges === undefined ? {} : { noNewPrivileges: o.noNewPrivileges }),
    ...(o.capabilities === undefined
      ? {}
      : { capabilities: addCapabilities(base.capabilities, o.capabilities) }),
  };
}

/** Another user has none of the groups of the container's. The umask is not the user's, only written beside it. */
function userOf(user: NonNullable<ExecOptions['user']>, umask: number | undefined): OciUser {
  const kept = umask === undefined ? {} : { umask };
  if (typeof user !== 'string') return { ...kept, gid: 0, ...user };
  const [uid = 0, gid = 0] = user.split(':').map(Number);
  return { ...kept, uid, gid };
}

/**
 * To the sets that the runtimes' own --cap adds to. Never to the inheritable one: a program with inheritable file
 * capabilities would get more than it should (CVE-2022-29162); and so not to the ambient one, which is a part of it.
 */
function addCapabilities(
  base: OciProcess['capabilities'],
  added: readonly string[],
): OciProcess['capabilities'] {
  const merge = (set: readonly string[] = []): string[] => [...new Set([...set, ...added])];
  return {
    ...base,
    bounding: merge(base?.bounding),
    effective: merge(base?.effective),
    permitted: merge(base?.permitted),
  };
}

const ioClasses: readonly string[] = [
  '',
  'IOPRIO_CLASS_RT',
  'IOPRIO_CLASS_BE',
  'IOPRIO_CLASS_IDLE',
] satisfies Array<'' | OciIoPriority['class']>;

/**
 * What a runtime leaves to an exec'd process as it is in its own, and so is started with: crun 1.8 to 1.29 the OOM score
 * and the I/O priority (exec_process_entrypoint), runc before 1.2 the umask (linuxSetnsInit). What runc takes from the
 * container it takes, whatever the process says: its OOM score.
 */
export function inheritedAttributes(
  kind: Settings['kind'],
  { oomScoreAdj, ioPriority, user }: OciProcess,
): ProcessAttributes {
  const umask = user?.umask ?? undefined;
  if (kind === 'runc') return { umask };
  if (kind === 'other') return {};
  const ioClass = ioPriority ? ioClasses.indexOf(ioPriority.class) : 0;
  return {
    oomScoreAdj: oomScoreAdj ?? undefined,
    ioPriority: ioClass > 0 ? (ioClass << 13) | (ioPriority?.priority ?? 0) : undefined,
  };
}
