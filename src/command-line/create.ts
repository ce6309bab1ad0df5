import fs from 'node:fs';
import path from 'node:path';
import { readConfigFile } from '../bundle/config-file';
import { argumentTypeError, RuntimeError } from '../errors';
import { newRecord, removeRecords } from '../keeper/keeper';
import type { OciConfig } from '../oci';
import type { Deadline } from '../runtime/deadline';
import { type CreateOptions, checkBoolean, resolvePath, type Settings } from '../runtime/options';
import { initIdentity } from '../runtime/state-file';
import { isAlive, readStat } from '../system/process-stat';
import { createArgs } from './arguments';
import { CallDirectory } from './call-directory';
import { stringsIn } from './callers-words';
import { Claim } from './claim';
import type { CreateCache } from './create-cache';
import { hasCgroup, removeFailedContainer } from './failed-container';
import { findMakers } from './half-made';
import type { Invoker } from './invoker';
import { type Launch, type Launched, launch } from './launch';
import type { LaunchIo } from './launch-io';
import { pidIn, writePidFile } from './pid-file';
import { removeStagedBundle, stageBundle } from './staged-bundle';
import { textMemfd } from './text-memfd';

/** Checks what create is given beside its descriptors; paths are relative to where the process is at the call. */
export function resolveCreate(o: CreateOptions): CreateOptions {
  for (const name of ['noPivot', 'noNewKeyring'] as const)
    if (o[name] !== undefined) checkBoolean(name, o[name]);
  for (const [index, arg] of (o.extraArgs ?? []).entries())
    if (typeof arg !== 'string' || arg.includes('\0'))
      throw argumentTypeError(
        `extraArgs[${index}]: must be a string without NUL bytes`,
        'ERR_INVALID_ARG_VALUE',
      );
  return {
    ...o,
    ...(o.configPath === undefined ? {} : { configPath: resolvePath('configPath', o.configPath) }),
    ...(o.pidFile === undefined ? {} : { pidFile: resolvePath('pidFile', o.pidFile) }),
  };
}

/** What a create is given. */
interface Request {
  id: string;
  /** Absolute. */
  bundlePath: string;
  o: CreateOptions;
  io: LaunchIo;
  deadline: Deadline;
  cache: CreateCache | null;
}

/** Makes a container. When it fails, for whatever reason, nothing is left of it; the error says whether that worked. */
export async function createContainer(
  invoker: Invoker,
  settings: Settings,
  request: Request,
  refine: Launch['refine'],
): Promise<Launched> {
  const claim = Claim.take(settings.root, request.id);
  if (claim === null) throw beingMade(request.id);
  try {
    return await createClaimed(invoker, settings, request, refine, claim);
  } finally {
    claim.release();
  }
}

async function createClaimed(
  invoker: Invoker,
  settings: Settings,
  request: Request,
  refine: Launch['refine'],
  claim: Claim,
): Promise<Launched> {
  const { id, bundlePath, o, io, deadline } = request;
  const { configPath } = o;
  const { config, text } = readConfigFile('create', bundlePath, configPath);
  checkTerminal(config, io, id, bundlePath);
  // What was there before is not ours to remove.
  const wasThere = fs.existsSync(path.join(settings.root, id));
  const ownsCgroup =
    !wasThere && settings.cgroupManager === 'cgroupfs' && !hasCgroup(config.linux?.cgroupsPath ?? `/${id}`);
  const stages = configPath !== undefined && settings.kind !== 'crun' && !wasThere;
  // Until the container is made, or what was made of it is removed: should we be killed, the next process knows.
  const directory = new CallDirectory(
    wasThere ? undefined : { root: settings.root, id, cgroupsPath: config.linux?.cgroupsPath, ownsCgroup },
  );
  const prepared = config.linux?.seccomp ? request.cache?.prepare(text) : undefined;
  try {
    const usedConfigPath = prepared?.config
      ? io.child.addByPath(textMemfd('dobby-runc-config', prepared.config))
      : stages
        ? undefined
        : configPath;
    const bundle = stages ? stageBundle(id, settings.root, bundlePath, config) : bundlePath;
    const launched = await launch(invoker, {
      op: 'create',
      id,
      deadline,
      io,
      refine,
      directory,
      callersWords: () => [bundlePath, ...stringsIn(config)],
      ...(settings.keeper === null ? {} : { record: newRecord(settings.root, id, 'create') }),
      args: (paths) =>
        createArgs(id, {
          bundle,
          pidFile: paths.pidFile,
          fileCount: io.fileCount,
          ...(usedConfigPath === undefined ? {} : { configPath: usedConfigPath }),
          ...(paths.consoleSocket === undefined ? {} : { consoleSocket: paths.consoleSocket }),
          ...(o.noPivot === undefined ? {} : { noPivot: o.noPivot }),
          ...(o.noNewKeyring === undefined ? {} : { noNewKeyring: o.noNewKeyring }),
          ...(o.extraArgs === undefined ? {} : { extraArgs: o.extraArgs }),
        }),
    });
    prepared?.learn?.(path.join(settings.root, id));
    if (o.pidFile !== undefined) writePidFile(o.pidFile, launched.process.pid);
    return launched;
  } catch (error) {
    if (wasThere || isExisting(error)) throw error;
    if (!claim.isHeld()) {
      // Whoever has ended this create by force has removed what there was of it, and may have made it anew since.
      if (error instanceof RuntimeError) error.cleanedUp = true;
    } else if (hasEndedAll(error) && isOfOthers(settings, id, pidFileOf(directory))) {
      // By the bare command line: both got as far as to make something.
      throw existsAlready(id, error);
    } else {
      const { cgroupsPath } = config.linux ?? {};
      // What went wrong first is what is told; out of descriptors, nothing can be removed.
      const isClean = await removeFailedContainer(invoker, settings, id, cgroupsPath, ownsCgroup).catch(
        () => false,
      );
      if (stages) removeStagedBundle(id, settings.root);
      if (settings.keeper !== null) removeRecords(settings.root, id);
      if (error instanceof RuntimeError) error.cleanedUp = isClean;
      // crun says this where a container's own words go, or in words that name nothing.
      if (isFailure(error)) throwIfGone(id, bundlePath, config, error);
    }
    throw error;
  } finally {
    directory.remove();
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof RuntimeError && error.code === 'ERR_CONTAINER_EXISTS';
}

function beingMade(containerId: string): RuntimeError {
  const message = `create ${containerId}: another create of this id is under way`;
  return new RuntimeError('ERR_CONTAINER_EXISTS', message, { op: 'create', containerId });
}

function existsAlready(containerId: string, cause: unknown): RuntimeError {
  const message = `create ${containerId}: somebody else has made a container of this id meanwhile: ${(cause as Error).message}`;
  return new RuntimeError('ERR_CONTAINER_EXISTS', message, { op: 'create', containerId, cause });
}

/**
 * Whether whatever our runtime has made has been ended: it failed by itself, or was ended with all below it. What one
 * made that says that it succeeded may be alive, and is ours.
 */
function hasEndedAll(error: unknown): boolean {
  return error instanceof RuntimeError && error.exitCode !== 0 && error.code !== 'ERR_STUCK';
}

/** The init that our runtime has made, if it got so far. */
function pidFileOf(directory: CallDirectory): number | null {
  try {
    return pidIn(directory.file('pid'));
  } catch {
    return null;
  }
}

/**
 * Whether what is there under the id is somebody else's: its init is alive and not the one that our runtime has written
 * down, or a runtime is at work on it. Ours has ended by now.
 */
function isOfOthers(settings: Settings, id: string, ownPid: number | null): boolean {
  const init = initIdentity(settings, id);
  if (init !== null && init.pid === ownPid) return false;
  if (init !== null && isAlive(readStat(init.pid), init.startTime)) return true;
  return fs.existsSync(path.join(settings.root, id)) && findMakers(settings, id).length > 0;
}

function isFailure(error: unknown): error is RuntimeError {
  // A directory that runc can't change to may be the bundle's or the process's.
  const { code } = error as Partial<RuntimeError>;
  return error instanceof RuntimeError && (code === 'ERR_RUNTIME_FAILED' || code === 'ERR_CWD_NOT_FOUND');
}

/** Throws ERR_INVALID_BUNDLE when the bundle, or its root file system, is not there any more. */
function throwIfGone(id: string, bundlePath: string, config: OciConfig, cause: RuntimeError): void {
  const rootfs = path.resolve(bundlePath, config.root?.path ?? '');
  const gone = [bundlePath, rootfs].find((directory) => !fs.existsSync(directory));
  if (gone === undefined) return;
  const { argv, exitCode, stderr, log, durationMs, cleanedUp } = cause;
  const what = gone === bundlePath ? '' : ` root.path ${gone}:`;
  const message = `create ${id}: bundle ${bundlePath}:${what} has been removed since it was checked`;
  const facts = { argv, exitCode, stderr, log, durationMs, cleanedUp };
  throw new RuntimeError('ERR_INVALID_BUNDLE', message, { op: 'create', containerId: id, ...facts, cause });
}

function checkTerminal(config: OciConfig, io: LaunchIo, id: string, bundlePath: string): void {
  const isTerminal = config.process?.terminal === true;
  if (isTerminal === (io.tty !== null)) return;
  const why = isTerminal ? 'is true: pass the option tty' : 'must be true for the option tty';
  throw new RuntimeError(
    'ERR_INVALID_BUNDLE',
    `create ${id}: bundle ${bundlePath}: process.terminal ${why}`,
    {
      op: 'create',
      containerId: id,
    },
  );
}
