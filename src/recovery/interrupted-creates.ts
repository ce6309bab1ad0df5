import fs from 'node:fs';
import path from 'node:path';
import {
  CallDirectory,
  claimCallDirectory,
  type Intent,
  ownerIsAlive,
  readIntent,
} from '../command-line/call-directory';
import { Claim } from '../command-line/claim';
import { removeFailedContainer } from '../command-line/failed-container';
import { findMakers, isHalfMade } from '../command-line/half-made';
import type { Invoker } from '../command-line/invoker';
import { removeStagedBundle, removeStaleStagedBundles } from '../command-line/staged-bundle';
import { removeRecords } from '../keeper/keeper';
import { native } from '../native';
import { endTree } from '../process/tree';
import type { Settings } from '../runtime/options';
import { initPid } from '../runtime/state-file';
import { within } from '../runtime/stuck';
import { checkPrivateDirectory } from '../system/private-directory';
import { runDirectory } from '../system/run-directory';

/** A create that a process which is gone had under way. */
export interface Interrupted {
  readonly id: string;
  /** Waits for the runtime, which goes on without us, and removes what does not become a container. Never rejects. */
  readonly recover: () => Promise<void>;
}

/**
 * The creates below this root whose callers were killed, and the clean-up of everything else that killed processes
 * left in the run directory. Cheap when there is nothing: one readdir.
 */
export function takeInterrupted(invoker: Invoker, settings: Settings): Interrupted[] {
  const interrupted: Interrupted[] = [];
  for (const name of callDirectories()) {
    if (ownerIsAlive(name)) continue;
    const directory = path.join(runDirectory(), name);
    const intent = readIntent(directory);
    if (intent && intent.root !== settings.root) {
      // Another root's: left to whoever opens that, unless there is nothing to come back to.
      if (fs.existsSync(intent.root)) continue;
    }
    // Two processes may be here at the same time: it is for the one that can rename it.
    const claimed = claimCallDirectory(directory);
    if (!claimed) continue;
    if (!intent || intent.root !== settings.root) {
      claimed.remove();
      continue;
    }
    const calledMs = fs.statSync(claimed.path).mtimeMs;
    interrupted.push({
      id: intent.id,
      recover: () => recover(invoker, settings, intent, calledMs).finally(() => claimed.remove()),
    });
  }
  removeStaleStagedBundles(settings.root);
  Claim.removeStale();
  return interrupted;
}

function callDirectories(): string[] {
  try {
    // What another user has put there is not to be acted on.
    checkPrivateDirectory(runDirectory());
    return fs.readdirSync(runDirectory()).filter((name) => name.startsWith(CallDirectory.prefix));
  } catch {
    return [];
  }
}

async function recover(
  invoker: Invoker,
  settings: Settings,
  intent: Intent,
  calledMs: number,
): Promise<void> {
  const { id, cgroupsPath, ownsCgroup } = intent;
  try {
    const makers = findMakers(settings, id);
    // The dead caller's watchdog is ours now. The clock may have jumped: never longer than from here on.
    const leftMs = Math.min(
      Math.max(calledMs + settings.createTimeoutMs - Date.now(), 0),
      settings.createTimeoutMs,
    );
    const isOver = await endWithin(settings, id, makers, leftMs);
    if (!isOver) await Promise.all(makers.map((maker) => endTree(maker)));
    const hasNothing = !fs.existsSync(path.join(settings.root, id));
    if (isOver && !hasNothing && !isHalfMade(settings, id)) return; // a container like any other
    await removeFailedContainer(invoker, settings, id, cgroupsPath, ownsCgroup);
    removeRecords(settings.root, id);
    removeStagedBundle(id, settings.root);
  } catch {
    // What resists is still there for destroy() with force, which tells why.
  }
}

/** Whether the runtime ends in time. The init of a container that is made by then has the same command line. */
async function endWithin(
  settings: Settings,
  id: string,
  pids: readonly number[],
  ms: number,
): Promise<boolean> {
  const pidfds = new Map(pids.map((pid) => [pid, native.pidfdOpen(pid)]));
  try {
    return await within(ms, () => {
      const init = initPid(settings, id);
      return [...pidfds].every(
        ([pid, pidfd]) => pid === init || pidfd < 0 || native.pidfdExited(pidfd) === 1,
      );
    });
  } finally {
    for (const pidfd of pidfds.values()) if (pidfd >= 0) native.close(pidfd);
  }
}
