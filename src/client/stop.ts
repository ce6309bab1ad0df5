import type { ExitStatus } from '../process/exit';
import { type Signal, signalNumber } from '../process/signals';
import type { Deadline } from '../runtime/deadline';
import {
  type CallOptions,
  checkBoolean,
  checkCall,
  checkMs,
  pickCall,
  type Settings,
  type StopCallOptions,
  stopNames,
} from '../runtime/options';
import type { ContainerStatus } from '../runtime/status';
import { settlesWithin, stuckError, stuckMs } from '../runtime/stuck';
import type { Tracked } from './tracker';

/** A stop as it is to be done. */
export interface StopRequest {
  readonly signal: number;
  readonly graceMs: number;
  readonly keepFrozen: boolean;
  readonly call: CallOptions;
}

/** `signal` is the call's AbortSignal, or the signal to send. */
export function stopRequest(settings: Settings, o: StopCallOptions): StopRequest {
  checkCall(o, stopNames);
  const { signal, timeoutMs } = o;
  const abort = signal instanceof AbortSignal ? signal : undefined;
  const stopSignal = o.stopSignal ?? (abort ? undefined : (signal as Signal | undefined));
  return {
    call: pickCall({ ...o, signal: abort, timeoutMs }),
    signal: stopSignal === undefined ? settings.stopSignal : signalNumber(stopSignal),
    keepFrozen: checkBoolean('keepFrozen', o.keepFrozen ?? false),
    graceMs: o.graceMs === undefined ? settings.stopGraceMs : checkMs('graceMs', o.graceMs, 0),
  };
}

/** What stopping needs of the DobbyRunC. */
interface Thawer {
  state(id: string, o: CallOptions): Promise<ContainerStatus>;
  resume(id: string, o: CallOptions): Promise<void>;
}

/**
 * Asks a container to end, and when it does not within the time, ends it. One that is paused is thawed as soon as the
 * signal has been sent: frozen, it could not act on it.
 */
export async function stopContainer(
  { container, process }: Tracked,
  { signal, graceMs, keepFrozen, call }: StopRequest,
  deadline: Deadline,
  thawer: Thawer,
): Promise<ExitStatus & { escalated: boolean }> {
  const id = container.containerId;
  const thaw = async (): Promise<void> => {
    if ((await thawer.state(id, call)) === 'paused') await thawer.resume(id, call);
  };
  let escalated = false;
  if (await container.kill(signal)) {
    // Beside the wait: it may have to wait for its turn, and the time to end in is counted from the signal.
    if (!keepFrozen) void thaw().catch(() => {});
    escalated = !(await settlesWithin(process.ended, graceMs, deadline));
  }
  if (escalated) {
    await container.kill('SIGKILL');
    // A frozen process dies only when it is thawed (cgroup v1).
    await thaw().catch(() => {});
  }
  if (escalated && !(await settlesWithin(process.ended, stuckMs, deadline)))
    throw stuckError('stop', id, container.pid);
  return { ...(await deadline.race(container.exited)), escalated };
}
