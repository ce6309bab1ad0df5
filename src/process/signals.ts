import { constants } from 'node:os';
import { argumentRangeError, argumentTypeError } from '../errors';

export const sigkill = constants.signals.SIGKILL;

/** A signal by name ('SIGTERM') or by number. */
export type Signal = NodeJS.Signals | number;

// signal(7): glibc keeps 32 and 33 for itself, so SIGRTMIN is 34 for programs; the kernel takes 1 to 64.
const rtMin = 34;
const rtMax = 64;

const numbers = new Map<string, number>(Object.entries(constants.signals));
const names = new Map<number, string>();
// The first name of a number is its usual one (SIGABRT before SIGIOT, SIGIO before SIGPOLL).
for (const [name, number] of numbers) if (!names.has(number)) names.set(number, name);

/**
 * The number of a signal. Names are taken with or without SIG and in any case; SIGRTMIN+n and SIGRTMAX-n too.
 * @throws TypeError ERR_INVALID_ARG_VALUE for an unknown name, RangeError ERR_OUT_OF_RANGE for a number outside 1..64
 */
export function signalNumber(signal: Signal): number {
  if (typeof signal === 'number') {
    if (!Number.isInteger(signal) || signal < 1 || signal > rtMax)
      throw argumentRangeError(`signal ${signal}: must be a whole number from 1 to ${rtMax}`);
    return signal;
  }
  if (typeof signal !== 'string')
    throw argumentTypeError(`signal: must be a name or a number, not ${typeof signal}`);
  const upper = (signal as string).toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const known = numbers.get(name) ?? realtimeNumber(name);
  if (known === undefined)
    throw argumentTypeError(`signal '${signal}': no such signal`, 'ERR_INVALID_ARG_VALUE');
  return known;
}

function realtimeNumber(name: string): number | undefined {
  const match = /^SIGRTM(IN|AX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (!match) return undefined;
  const offset = Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1);
  const number = (match[1] === 'IN' ? rtMin : rtMax) + offset;
  return number >= rtMin && number <= rtMax ? number : undefined;
}

/** The usual name of a signal number; real-time signals are SIGRTMIN+n. */
export function signalName(number: number): NodeJS.Signals {
  const name = names.get(number) ?? (number >= rtMin ? `SIGRTMIN+${number - rtMin}` : `SIG${number}`);
  return name as NodeJS.Signals;
}
