import { chmod, mkdir, rmdir, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { RuntimeError } from '../errors';
import type { OciConfig } from '../oci';
import { checkArgument, checkConfig, checkRootfs, explain, invalidBundle } from './check';
import { readConfig, writeConfig } from './config-file';
import { makeConfig } from './make-config';
import { directoryPath } from './schema-values';
import type { BundleSpec, MachineFacts } from './spec';

/**
 * An OCI bundle: a directory with a config.json and, there or elsewhere, a root file system. It is what was read
 * or written at one time; a change of the file later is not seen. Spec: bundle.md.
 */
export class Bundle {
  /** Absolute. */
  readonly path: string;
  /** Frozen in depth: it tells what the file says. structuredClone() makes a copy to change. */
  readonly config: OciConfig;

  private constructor(path: string, config: OciConfig) {
    this.path = path;
    this.config = config;
  }

  /**
   * Reads and checks a bundle. Fields that the spec does not know are allowed, as it demands; `process` may be
   * absent, as it allows until `start`, though crun and runc both refuse to create a container without.
   * Rejects with a RuntimeError (ERR_INVALID_BUNDLE, ERR_PERMISSION) that names the field.
   */
  static async open(dir: string): Promise<Bundle> {
    const op = 'Bundle.open';
    checkArgument('dir', dir, directoryPath);
    const path = resolve(dir);
    const config = await readConfig(op, path);
    await checkRootfs(op, path, config.root?.path ?? '');
    return new Bundle(path, config);
  }

  /**
   * Makes the directory if there is none (only its owner may look into it; with a user namespace others may pass
   * through, since the container's root is one of them) and writes config.json, replacing an old one in one step.
   * Rejects with a TypeError or RangeError that names the field of the spec, or, when the root file system is not
   * there or the file can't be written, with a RuntimeError; nothing is left behind then.
   */
  static async create(dir: string, spec: BundleSpec): Promise<Bundle> {
    const op = 'Bundle.create';
    checkArgument('dir', dir, directoryPath);
    const path = resolve(dir);
    const config = checkConfig(op, path, makeConfig(spec, await machineFacts()));
    await checkRootfs(op, path, config.root?.path ?? '');
    const hasUser = config.linux?.namespaces?.some(({ type }) => type === 'user');
    const made = await makeDirectory(op, path, hasUser ? 0o711 : 0o700);
    try {
      await writeConfig(op, path, config);
    } catch (error) {
      await removeDirectories(path, made);
      throw error;
    }
    return new Bundle(path, config);
  }
}

const kCgroup2Magic = 0x63677270; // CGROUP2_SUPER_MAGIC, statfs(2)

/** A machine without cgroups counts as v1, which adds nothing. */
async function machineFacts(): Promise<MachineFacts> {
  const type = await statfs('/sys/fs/cgroup').then(
    (info) => info.type,
    () => 0,
  );
  return {
    cgroupVersion: type === kCgroup2Magic ? 2 : 1,
    euid: process.geteuid?.() ?? 0,
    egid: process.getegid?.() ?? 0,
  };
}

/** Returns the topmost directory that was made, if any. */
async function makeDirectory(op: string, path: string, mode: number): Promise<string | undefined> {
  try {
    const made = await mkdir(path, { recursive: true, mode });
    // The umask may have taken away what a user namespace needs.
    if (made !== undefined) await chmod(path, mode);
    return made;
  } catch (error) {
    const { code, message } = explain(error);
    const reason = `the directory cannot be made: ${message}`;
    if (code !== 'EACCES' && code !== 'EPERM') throw invalidBundle(op, path, reason, error);
    throw new RuntimeError('ERR_PERMISSION', `bundle ${path}: ${reason}`, { op, cause: error });
  }
}

/** Only empty ones: what somebody else has put there in the meantime stays. */
async function removeDirectories(path: string, topmost: string | undefined): Promise<void> {
  if (topmost === undefined) return;
  for (let directory = path; directory.startsWith(topmost); directory = dirname(directory)) {
    try {
      await rmdir(directory);
    } catch {
      return;
    }
  }
}
