import fs from 'node:fs';
import { native } from '../native';
import { systemError } from '../system/errno';
import { FileStamp } from '../system/file-stamp';

const now = new FileStamp();

/**
 * The runtime's binary as a sealed memfd, read once. crun and runc copy their own binary into a sealed memfd and
 * start again from it at every call (CVE-2019-5736); given one already sealed they skip that, which saves several
 * milliseconds a call. The file is looked at (stat) at every use, so that an upgraded runtime is used at once.
 */
export class RuntimeImage {
  readonly path: string;
  readonly #wanted: boolean;
  #fd = -1;
  /** Of the file that the image was made from; null: there is none yet. */
  #stamp: FileStamp | null = null;
  /** Set once an exec from the image has worked, so that a refusal can be told from a broken runtime. */
  proven = false;

  constructor(path: string, mode: 'memfd' | 'path') {
    this.path = path;
    this.#wanted = mode === 'memfd';
  }

  /** The image to execute, or -1: start by path. Throws what stat(2) says when the file is missing. */
  descriptor(): number {
    if (!this.#wanted) return -1;
    if (this.#stamp !== null && now.take(this.path) && now.isSame(this.#stamp)) return this.#fd;
    this.release();
    const stamp = new FileStamp();
    const isThere = stamp.take(this.path);
    this.#fd = copyToImage(this.path);
    this.#stamp = isThere ? stamp : null;
    return this.#fd;
  }

  /** Exec from the image is not permitted here (SELinux, vm.memfd_noexec): start this file by path from now on. */
  refuse(): void {
    if (this.#fd >= 0) native.close(this.#fd);
    this.#fd = -1;
  }

  release(): void {
    this.refuse();
    this.#stamp = null;
    this.proven = false;
  }
}

function copyToImage(path: string): number {
  const stat = fs.statSync(path);
  // A script's interpreter needs a path to open, and set-user-id bits do not travel with a copy.
  if (!stat.isFile() || (stat.mode & 0o6000) !== 0 || (stat.mode & 0o111) === 0) return -1;
  let file: number;
  try {
    file = fs.openSync(path, 'r');
  } catch (error) {
    // Unreadable but executable: by path.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return -1;
    throw error;
  }
  try {
    const magic = Buffer.alloc(4);
    if (fs.readSync(file, magic, 0, 4, 0) < 4 || magic.toString('latin1') !== '\x7fELF') return -1;
    const fd = native.sealedImage(file);
    if (isScarce(fd)) throw systemError('memfd_create', fd);
    return fd < 0 ? -1 : fd;
  } finally {
    fs.closeSync(file);
  }
}

/** Out of something for now: no reason to do without an image for ever. */
function isScarce(result: number): boolean {
  return result === -12 || result === -23 || result === -24; // ENOMEM, ENFILE, EMFILE
}
