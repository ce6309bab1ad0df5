import type { ErrorCode } from '../errors';

// The runtimes' own words (crun 1.8 to 1.21, runc 1.1) and what they mean. The first that fits is taken.
const meanings: ReadonlyArray<[RegExp, ErrorCode]> = [
  [/container .*already exists|container with .*exists/i, 'ERR_CONTAINER_EXISTS'],
  [
    /container .*does not exist|\/status[`'"]?: No such file|cannot open directory .*: No such file|state\.json: no such file/i,
    'ERR_CONTAINER_NOT_FOUND',
  ],
  [
    /executable file .*not found|exec: ".*": |open executable|the path .* is not (a regular file|executable)/i,
    'ERR_EXEC_NOT_FOUND',
  ],
  [/(executing|running) (\S+ )?hook/i, 'ERR_HOOK_FAILED'],
  [
    /exec\.fifo|is paused|paused container|not (paused|running|stopped)|not in .* state|already running|container .*has (stopped|run)|setns[ (]|\/proc\/\d+\/ns\//i,
    'ERR_BAD_STATE',
  ],
  [
    /config\.json|parse (file|config)|process property|invalid rootfs|make .* private: No such file|unmarshal/i,
    'ERR_INVALID_BUNDLE',
  ],
  [/cgroup/i, 'ERR_CGROUP'],
  [/permission denied|operation not permitted|read-only file system|rootless/i, 'ERR_PERMISSION'],
  [
    /unknown (option|command|flag)|flag provided but not defined|unrecognized option|not supported/i,
    'ERR_UNSUPPORTED',
  ],
];

/** A runtime says what it is about at the beginning, and why it failed at the end. */
const kMostWords = 2048;

/** The code for what a runtime said when it failed. */
export function failureCode(op: string, said: string): ErrorCode {
  // The patterns look back: on the 64 KiB that a hook can make a runtime say they would take minutes.
  const words =
    said.length <= 2 * kMostWords ? said : `${said.slice(0, kMostWords)}\n${said.slice(-kMostWords)}`;
  for (const [pattern, code] of meanings)
    if (pattern.test(words) && (code !== 'ERR_INVALID_BUNDLE' || op === 'create')) return code;
  return 'ERR_RUNTIME_FAILED';
}

/** The messages of a JSON log's error lines, or of its last line when none is an error. Never throws. */
export function logMessage(log: string): string {
  let last = '';
  const errors: string[] = [];
  for (const line of log.split('\n')) {
    if (line.trim() === '') continue;
    let message = line;
    let level = '';
    try {
      const entry = JSON.parse(line) as { msg?: unknown; level?: unknown } | null;
      if (typeof entry?.msg === 'string') message = entry.msg;
      if (typeof entry?.level === 'string') level = entry.level;
    } catch {
      // A line cut off or not JSON is taken as it is.
    }
    last = message;
    if (level === 'error' || level === 'fatal') errors.push(message);
  }
  return errors.join('; ') || last;
}
