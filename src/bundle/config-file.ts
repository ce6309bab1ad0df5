import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TextDecoder } from 'node:util';
import { isScarcity, RuntimeError } from '../errors';
import { native } from '../native';
import type { OciConfig } from '../oci';
import { systemError } from '../system/errno';
import { Recent } from '../system/recent';
import { smallFile } from '../system/small-file';
import { checkConfig, explain, invalidBundle } from './check';
import { findJsonFault, toJson } from './json';

/** Real ones are tens of kilobytes, with a long seccomp profile a hundred. */
export const kMaxConfigBytes = 16 * 1024 * 1024;

export const kConfigName = 'config.json';

/** The file's part in a message: plain `config.json` where the bundle's own is meant. */
function nameOf(file: string, bundlePath: string): string {
  return file === join(bundlePath, kConfigName) ? kConfigName : file;
}

/** Reads and checks a configuration: the bundle's config.json, or another file for the same bundle. */
export async function readConfig(op: string, bundlePath: string, file?: string): Promise<OciConfig> {
  return readConfigFile(op, bundlePath, file).config;
}

/**
 * The same with the text as it stands in the file. Read here and now: it takes some ten microseconds, where libuv's
 * thread pool would take half a millisecond of every create, and wait behind all that is there.
 */
export function readConfigFile(
  op: string,
  bundlePath: string,
  file = join(bundlePath, kConfigName),
): CheckedConfig {
  const name = nameOf(file, bundlePath);
  let bytes: Buffer;
  try {
    bytes = readBounded(file);
  } catch (error) {
    throw fileError(op, bundlePath, `${name}: cannot be read`, error);
  }
  if (bytes.length > kMaxRememberedBytes) return parseAndCheck(op, bundlePath, name, bytes);
  return recent.get(bytes, () => parseAndCheck(op, bundlePath, name, bytes));
}

/** The file is read every time, but a content that was in order is so again. */
const recent = new Recent<Buffer, CheckedConfig>();
const kMaxRememberedBytes = 256 * 1024;

interface CheckedConfig {
  config: OciConfig;
  text: string;
}

function parseAndCheck(op: string, bundlePath: string, name: string, bytes: Buffer): CheckedConfig {
  const { text, value } = parse(op, bundlePath, name, bytes);
  return { config: checkConfig(op, bundlePath, value, name), text };
}

/** In one native call; a second one for what is longer than most. */
function readBounded(file: string): Buffer {
  let buffer = smallFile;
  for (;;) {
    const length = native.readFile(file, 0, buffer, 0, buffer.length);
    if (length < 0) throw systemError('open', length);
    if (length < buffer.length) return Buffer.from(buffer.subarray(0, length));
    if (length > kMaxConfigBytes) throw tooLarge();
    buffer = Buffer.allocUnsafe(kMaxConfigBytes + 1);
  }
}

function tooLarge(): Error {
  return new Error(`it is larger than ${kMaxConfigBytes} bytes`);
}

/** With the system's code: what it says; with none: our own words from above. */
function fileError(op: string, bundlePath: string, what: string, error: unknown): RuntimeError {
  // Out of descriptors or memory: the bundle is not to blame.
  if (isScarcity(error)) throw error;
  const { code, message } = explain(error);
  const reasons: Record<string, string> = {
    ENOENT: 'no such file',
    ENOTDIR: 'a part of the path is not a directory',
    EISDIR: 'it is a directory; must be a regular file',
    EINVAL: 'it is not a regular file',
    ELOOP: 'too many symbolic links',
  };
  const reason = `${what}: ${code === undefined ? message : (reasons[code] ?? message)}`;
  if (code !== 'EACCES' && code !== 'EPERM') return invalidBundle(op, bundlePath, reason, error);
  return new RuntimeError('ERR_PERMISSION', `bundle ${bundlePath}: ${reason}`, { op, cause: error });
}

function parse(
  op: string,
  bundlePath: string,
  name: string,
  bytes: Buffer,
): { text: string; value: unknown } {
  const refuse = (reason: string, cause?: unknown) =>
    invalidBundle(op, bundlePath, `${name}: ${reason}`, cause);
  if (bytes.length === 0) throw refuse('is empty; must be a JSON object');
  // RFC 8259 forbids the mark, and neither yajl nor Go's parser takes it.
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw refuse('begins with a byte order mark; must be UTF-8 without one');
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw refuse('is UTF-16; must be UTF-8');
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw refuse('is not valid UTF-8', error);
  }
  try {
    return { text, value: JSON.parse(text) };
  } catch (error) {
    const fault = findJsonFault(text);
    const where = fault && `line ${fault.line}, column ${fault.column}: ${fault.reason}`;
    throw refuse(`is not valid JSON: ${where ?? explain(error).message}`, error);
  }
}

/**
 * Writes the bundle's config.json so that a reader sees the old file or the new one, never a part. Readable by
 * the owner only: environments hold secrets. Not fsynced: a bundle is made again after a power cut.
 */
export async function writeConfig(op: string, bundlePath: string, config: OciConfig): Promise<void> {
  const file = join(bundlePath, kConfigName);
  const temporary = join(dirname(file), `.${kConfigName}.${process.pid}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(toJson(config));
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(op, bundlePath, `${kConfigName}: cannot be written`, error);
  }
}
