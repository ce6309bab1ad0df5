import { loadAddon } from './load-addon';

/** What the addon's file gives: one set of its functions for each who loads the package. */
interface AddonFile {
  /** undefined when the environment is ending. */
  open(): Addon | undefined;
}

/**
 * The native boundary. Only integers, one NUL-joined string, typed arrays and callbacks cross it.
 * Unless said otherwise a function returns a value >= 0, or -errno. It never throws for a failed system call.
 *
 * Descriptors returned from here are close-on-exec and belong to the JavaScript environment that got them
 * until they are closed with close(), or handed over to spawn(), watch(), poll() or pumpStart(). What is still
 * owned when the environment ends is closed then: when a worker is terminated, or when this object and all its functions
 * are garbage and no callback of a watch, poll, pump or spawn is still to come (a loader's registry of modules that was
 * dropped).
 */
export interface Addon {
  /**
   * Starts a program.
   * strings: NUL-joined path, working directory, argv[0..argc), environment entries (the rest).
   * fds[i] becomes descriptor i of the child; -1 means /dev/null. The descriptors are handed over: spawn closes
   * each (once) whether it succeeds or not. imageFd >= 0 is executed instead of path (execveat, AT_EMPTY_PATH)
   * and stays the caller's, who may close it at once.
   * out (length 4) receives pid, pidfd (environment-owned), errno (positive), step (SpawnStep). The pid is claimed
   * (see native/orphans.h) until the pidfd is closed or watched. Too few strings: EINVAL with SpawnStep.None.
   * attributes (length 4, INT32_MIN: as this process's): oom_score_adj, ioprio_set(2)'s value, the soft limit of open
   * files, umask (022 when it is not given, and without attributes).
   * Without done the call is synchronous; with done it runs on the spawn thread, and done() is called on the loop.
   */
  spawn(
    strings: string,
    argc: number,
    fds: Int32Array,
    imageFd: number,
    out: Int32Array,
    done?: () => void,
    attributes?: Int32Array,
  ): void;

  /** Opens the exit watch of this environment; batch entries are ExitField-wide; onExits(count) per wake-up. */
  openExitWatch(batch: Int32Array, onExits: (count: number) => void): number;
  /**
   * Watches a process; takes over pidfd and closes it when the exit has been reported or at unwatch(). When it
   * fails (-EEXIST: the token is in use) pidfd stays the caller's.
   */
  watch(token: number, pidfd: number, pid: number): number;
  unwatch(token: number): number;
  /** Whether a watch keeps the loop alive; a new watch does. */
  watchRef(token: number, on: boolean): void;
  /** pidfd_send_signal(2) on a watched process. -ESRCH when it has exited or is not watched. */
  watchSignal(token: number, signal: number): number;
  /** pidfd_open(2): an environment-owned descriptor. */
  pidfdOpen(pid: number): number;
  pidfdSignal(pidfd: number, signal: number): number;
  /** 1 when the process behind a pidfd has exited (zombie or reaped), 0 when it has not. poll(2), no wait. */
  pidfdExited(pidfd: number): number;
  /** 1 when PIDFD_GET_INFO gives PIDFD_INFO_EXIT (Linux 6.15), 0 when it does not. */
  hasPidfdExitInfo(): number;

  /** PR_SET_CHILD_SUBREAPER: 1 sets it, 0 clears it, -1 only asks. Returns the value now in force. */
  subreaper(on: number): number;
  /**
   * While a ticket is held, zombies born since it was taken are not reaped as orphans (a runtime call that is
   * under way may have made them, and will watch them when it ends). Process-wide. Returns the ticket.
   */
  holdOrphans(): number;
  releaseOrphans(ticket: number): void;
  /** One pass of the orphan reaper; see native/orphans.h for the rules. Returns how many it reaped. */
  reapOrphans(graceMs: number): number;

  /** Of this object: no other of this process has it, ever. */
  environmentId(): number;
  environmentIsAlive(id: number): boolean;
  /** How many environments of this process have ended. */
  endedEnvironments(): number;

  /**
   * pipe2(O_CLOEXEC) of 256 KiB, or of the default size where the user may have no more (pipe(7)): out[0] read end
   * (non-blocking), out[1] write end (blocking: it is for the child).
   */
  pipe(out: Int32Array): number;
  /** A memfd. limit > 0: sized to limit and sealed against growing and shrinking, so that it is bounded. */
  memfd(name: string, limit: number): number;
  /** Copies an executable file (by descriptor) to a sealed memfd that may be executed. */
  sealedImage(fd: number): number;
  /** fcntl(F_DUPFD_CLOEXEC): a copy of any open descriptor, environment-owned. */
  duplicate(fd: number): number;
  /** The same, but what is non-blocking is opened anew where it can be: native/blocking_copy.h. -EOPNOTSUPP where not. */
  blockingCopy(fd: number): number;
  /** Closes an environment-owned descriptor; -EBADF for any other. */
  close(fd: number): number;
  /** read(2), write(2) on a descriptor; -EAGAIN when it would block. */
  read(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  write(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  /** pread(2). */
  readAt(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  /** lseek(fd, 0, SEEK_CUR). */
  position(fd: number): number;
  /** fcntl(F_SETFL): O_NONBLOCK on or off. */
  nonblocking(fd: number, on: boolean): number;

  /**
   * Watches a descriptor with uv_poll; takes it over. events: 1 readable, 2 writable; 0 pauses.
   * onReady(events): a negative value is -errno. The descriptor number is the handle of the calls below;
   * read() and write() on it are allowed until pollClose(), which closes it at once. When poll() fails the
   * descriptor stays the caller's.
   */
  poll(fd: number, events: number, onReady: (events: number) => void): number;
  pollSet(fd: number, events: number): number;
  pollRef(fd: number, on: boolean): void;
  pollClose(fd: number): void;

  /**
   * statx(2) of a file, links followed: out (length 5, or less for whether it is there) receives device, inode, size,
   * and the milliseconds since 1970 of its last writing and its last change.
   */
  fileStamp(path: string, out: Float64Array): number;
  /**
   * Reads a file from its start to its end, or until the length bytes at offset of buffer are full; flags go to
   * open(2) beside O_RDONLY, O_NONBLOCK and O_CLOEXEC. The number of bytes, or -errno: -EISDIR, or -EINVAL for what
   * else is no regular file.
   */
  readFile(path: string, flags: number, buffer: Uint8Array, offset: number, length: number): number;
  /**
   * Lets go the process that waits for a byte from a fifo, and removes the fifo's name (native/files.h). Nothing has
   * been changed when it is -ENXIO (nobody waits) or -ENOENT.
   */
  releaseFifo(path: string): number;

  /** A listening AF_UNIX stream socket bound at path (non-blocking). -ENAMETOOLONG past 107 bytes. */
  listenUnix(path: string): number;
  /** accept4(2) and SO_PEERCRED: peer receives pid, uid, gid. */
  accept(fd: number, peer: Int32Array): number;
  /**
   * recvmsg(2) with MSG_CMSG_CLOEXEC: the one descriptor in the message. -EAGAIN: nothing yet; -ENODATA: end
   * of file without one; -EBADMSG: a message without exactly one descriptor (all that came are closed).
   */
  receiveFd(fd: number): number;
  /** TIOCSWINSZ. */
  windowSize(fd: number, columns: number, rows: number): number;
  /** The VEOF character of a terminal in canonical mode, by its master too (termios(3)); 0: it is in another, or has none. */
  endOfFileCharacter(fd: number): number;
  /** 1 when the descriptor is a pty master (TIOCGPTN works). */
  isPtyMaster(fd: number): number;

  /**
   * The log pump: threads of this environment that copy output without JavaScript, for files one for each device.
   * pumpStart takes over source (a pipe's read end or a pty master) and target (a file opened for appending, a memfd, or
   * what is non-blocking: a relay, whose target is waited for, which is bounded by nothing and ends when the target is
   * hung up). maxBytes 0: unbounded. With rotatePath '' what goes past maxBytes is dropped and counted; with a
   * path, the file is rotated (path.1 is the newest of keep old files) when it would pass maxBytes.
   * error is the errno (positive) of the first read or write that failed, else 0; what could not be written
   * counts as dropped, and copying goes on. When pumpStart fails both descriptors stay the caller's.
   * Only pumps that are finishing keep the loop alive. When the environment ends, what has not been copied is lost.
   */
  openPump(
    onEvent: (token: number, event: number, written: number, dropped: number, error: number) => void,
  ): number;
  pumpStart(
    token: number,
    source: number,
    target: number,
    maxBytes: number,
    rotatePath: string,
    keep: number,
  ): number;
  /** Asks for one PumpEvent.Data as soon as the target holds more than `seen` bytes. */
  pumpNotify(token: number, seen: number): void;
  /**
   * Copies what is there now without waiting for end of file, then ends: PumpEvent.End follows. A relay goes on, and
   * PumpEvent.Drained follows.
   */
  pumpFinish(token: number): void;
  /** Ends at once; what has not been copied counts as dropped. PumpEvent.End follows. */
  pumpCut(token: number): void;
}

/** The step at which a spawn failed (out[3] of spawn). */
export enum SpawnStep {
  None = 0,
  DevNull = 1,
  Pipe = 2,
  Clone = 3,
  Unshare = 4,
  Session = 5,
  Chdir = 6,
  Descriptors = 7,
  CloseOnExec = 8,
  Exec = 9,
  Attributes = 10,
}

/** The layout of one entry of the exit batch. */
export enum ExitField {
  Token = 0,
  /** CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3; 0 when not observed. */
  Code = 1,
  /** Exit code or signal number. */
  Status = 2,
  /** ExitSource. */
  Source = 3,
  Width = 4,
}

export enum ExitSource {
  Waitid = 0,
  Pidfd = 1,
  Unobserved = 2,
}

export enum PumpEvent {
  Data = 1,
  End = 2,
  Drained = 3,
}

function open(): Addon {
  const addon = (loadAddon() as AddonFile).open();
  if (addon === undefined) throw new Error('dobby-runc: this JavaScript environment is ending');
  return addon;
}

export const native: Addon = open();
