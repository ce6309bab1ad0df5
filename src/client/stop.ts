import type { ExitStatus } from '../process/exit';
import { type Signal, signalNumber } from '../process/signals';
import type { Deadline } from '../runtime/deadline';
import { type CallOptions, checkMs, pickCall, type Settings, type StopCallOptions } from '../runtime/options';
import type { ContainerStatus } from '../runtime/status';
import { settlesWithin, stuckError, stuckMs } from '../runtime/stuck';
import type { Tracked } from './tracker';

/** A stop as it is to be done. */
export interface StopRequest {
  readonly signal: number;
  readonly graceMs: number;
  readonly call: CallOptions;
}

/** `signal` is the call's AbortSignal, or the signal to send. */
export function stopRequest(settings: Settings, o: StopCallOptions): StopRequest {
  const { signal, timeoutMs } = o;
  const abort = signal instanceof AbortSignal ? signal : undefined;
  const stopSignal = o.stopSignal ?? (abort ? undefined : (signal as Signal | undefined));
  return {
    call: pickCall({ signal: abort, timeoutMs }),
    signal: stopSignal === undefined ? settings.stopSignal : signalNumber(stopSignal),
    graceMs: o.graceMs === undefined ? settings.stopGraceMs : checkMs('graceMs', o.graceMs, 0),
  };
}

/** What stopping needs of the DobbyRunC. */
interface Thawer {
  state(id: string, o: CallOptions): Promise<ContainerStatus>;
  resume(id: string, o: CallOptions): Promise<void>;
}

/** Asks a container to end, and when it does not within the time, ends it. */
export async function stopContainer(
  { container, process }: Tracked,
  { signal, graceMs, call }: StopRequest,
  deadline: Deadline,
  thawer: Thawer,
): Promise<ExitStatus & { escalated: boolean }> {
  const id = container.containerId;
  let escalated = false;
  if ((await container.kill(signal)) && !(await settlesWithin(process.ended, graceMs, deadline))) {
    escalated = true;
    await container.kill('SIGKILL');
    // A frozen process dies only when it is thawed (cgroup v1).
    if ((await thawer.state(id, call)) === 'paused') await thawer.resume(id, call).catch(() => {});
  }
  if (escalated && !(await settlesWithin(process.ended, stuckMs, deadline)))
    throw stuckError('stop', id, container.pid);
  return { ...(await deadline.race(container.exited)), escalated };
}
