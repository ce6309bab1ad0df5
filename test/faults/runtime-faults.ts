import { type Step, steps, verbOf } from './operations';

/** The code an operation rejects with; null: it succeeds, since nobody can see that anything was wrong. */
export type Outcome = string | null;

/** Something that the runtime does wrong, and what comes of it at each operation it can be done to. */
export interface RuntimeFault {
  /** Ends the sentence 'the runtime …'. */
  name: string;
  /** What the stand-in does in place of the verb (native/fault/stand_in.c). */
  actions: string;
  /** The operation's timeoutMs, where it would last for ever. */
  timeoutMs?: number;
  /** Whether the container or process has a terminal. */
  isTerminal?: boolean;
  outcomes: Partial<Record<Step, Outcome>>;
}

function everywhere(outcome: Outcome, differing: Partial<Record<Step, Outcome>> = {}): Record<Step, Outcome> {
  const all = Object.fromEntries(steps.map((step) => [step, outcome])) as Record<Step, Outcome>;
  return { ...all, ...differing };
}

const failed = 'ERR_RUNTIME_FAILED';
const launches = { create: failed, exec: failed };
const answers = { state: failed, list: failed };

function hex(text: string | Buffer): string {
  return Buffer.from(text as string).toString('hex');
}

/** A pid file that the runtime leaves after it has really made the process: nobody knows its pid. */
function pidFile(name: string, action: string): RuntimeFault {
  return { name: `writes a pid file ${name}`, actions: `real ${action}`, outcomes: launches };
}

function prints(
  name: string,
  bytes: string | Buffer,
  outcomes: RuntimeFault['outcomes'] = answers,
): RuntimeFault {
  return { name: `prints ${name}`, actions: `stdout:${hex(bytes)} exit:0`, outcomes };
}

function consoleFault(name: string, actions: string, outcome: Outcome): RuntimeFault {
  return {
    name: `with a terminal: ${name}`,
    actions,
    isTerminal: true,
    outcomes: { create: outcome, exec: outcome },
  };
}

const timeoutMs = 400;

export const runtimeFaults: readonly RuntimeFault[] = [
  { name: 'hangs before it does its work', actions: 'hang', timeoutMs, outcomes: everywhere('ERR_TIMEOUT') },
  {
    name: 'hangs after it has done its work',
    actions: 'real hang',
    timeoutMs,
    outcomes: everywhere('ERR_TIMEOUT'),
  },
  {
    name: 'hangs with a process below it that has a session of its own and ignores every signal',
    actions: 'orphan hang',
    timeoutMs,
    outcomes: { create: 'ERR_TIMEOUT', exec: 'ERR_TIMEOUT', state: 'ERR_TIMEOUT' },
  },
  { name: 'is killed before it does its work', actions: 'kill:9', outcomes: everywhere(failed) },
  { name: 'crashes after it has done its work', actions: 'real kill:11', outcomes: everywhere(failed) },
  { name: 'exits with 1 and says nothing', actions: 'exit:1', outcomes: everywhere(failed) },
  {
    name: 'exits with 0 and does nothing',
    actions: 'exit:0',
    outcomes: everywhere(failed, { kill: null, pause: null, resume: null }),
  },
  {
    name: 'writes 100 MB on its standard error and its log, and exits with 1',
    actions: `stderr:${100 * 1024 * 1024} exit:1`,
    outcomes: everywhere(failed),
  },
  { name: 'closes its output before it prints', actions: 'close exit:0', outcomes: answers },
  prints('half a JSON', '[{"id":"a","pid":1,"bund'),
  prints('half a UTF-8 character', Buffer.from('7b226964223a2261c3', 'hex')),
  prints('bytes that are no text', Buffer.from([0, 255, 254, 0, 128, 10])),
  prints('another kind of JSON', '"running"'),
  prints('the state of another container', '{"id":"somebody-else","status":"running","pid":1}', {
    state: failed,
  }),
  prints('a state without a status', '{}', { state: failed }),
  { name: 'prints a status that nobody knows', actions: 'STATUS', outcomes: { state: failed } },
  pidFile('that is empty', 'pid:'),
  pidFile('of 1 GB', `pid-bytes:${1024 * 1024 * 1024}`),
  pidFile('with a negative number', 'pid:-1'),
  pidFile('with a number that no process can have', 'pid:99999999999999999999'),
  pidFile('with 0', 'pid:0'),
  pidFile('with words', 'pid:1;rm'),
  pidFile('with the pid of init', 'pid:1'),
  pidFile('with the pid of the program that uses this package', 'pid:OWN'),
  pidFile('with the pid of another container', 'pid:OTHER'),
  pidFile('with the pid of a process that is gone', 'pid:GONE'),
  consoleFault('nobody connects', 'mute', failed),
  consoleFault('connects and sends no descriptor', 'mute console:none', failed),
  consoleFault('connects and says nothing', 'mute console:nothing', failed),
  consoleFault('sends ten descriptors', 'mute console:ten', failed),
  consoleFault('sends a descriptor that is no terminal', 'mute console:file', failed),
  consoleFault('connects twice with a terminal each', 'real console:two', null),
  consoleFault('another user tries to connect first', 'console:stranger real', null),
  consoleFault('a silent connection comes first', 'console:nothing real', null),
  {
    ...consoleFault('connects, says nothing and hangs', 'console:nothing hang', 'ERR_TIMEOUT'),
    timeoutMs,
  },
];

/** The script of a fault for one operation. */
export function scriptOf(fault: RuntimeFault, step: Step, words: Record<string, string>): string {
  let { actions } = fault;
  for (const [word, value] of Object.entries(words)) actions = actions.replaceAll(word, value);
  return `${verbOf(step)} ${actions}`;
}
