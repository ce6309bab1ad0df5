import { native } from '../native';
import { kEnodev, kEnoent, kEnotdir, kEsrch, systemError } from './errno';

/** What readSmall() has read last. */
export const smallFile = Buffer.allocUnsafeSlow(64 * 1024);

// ESRCH: the process, ENODEV: the cgroup.
const goneErrors = new Set([kEnoent, kEsrch, kEnodev, kEnotdir]);

/**
 * Reads a file of procfs, cgroupfs or a state directory into `smallFile`, in one native call: node:fs makes five, which
 * cost more than the reading. Its length; a longer file is cut off at the length of `smallFile`. null when the file, or
 * what it is about, is not there any more; any other failure throws.
 */
export function readSmall(path: string): number | null {
  const length = native.readFile(path, 0, smallFile, 0, smallFile.length);
  if (length >= 0) return length;
  if (goneErrors.has(length)) return null;
  throw systemError('open', length);
}

/** The same as text, byte for character. */
export function readSmallText(path: string): string | null {
  const length = readSmall(path);
  return length === null ? null : smallFile.toString('latin1', 0, length);
}
