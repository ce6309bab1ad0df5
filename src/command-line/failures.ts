import type { ErrorCode } from '../errors';
import { withoutCallersWords } from './callers-words';

// The runtimes' own words (test/command-line/failure-table.json has them) and what they mean. The first that fits is
// taken.
const meanings: ReadonlyArray<[RegExp, ErrorCode]> = [
  // First, since what the hook itself has said may stand behind it.
  [/(executing|running) (\S+ )?hook/i, 'ERR_HOOK_FAILED'],
  [/container .*already exists|container with .*exists/i, 'ERR_CONTAINER_EXISTS'],
  [
    /container .*does not exist|\/status[`'"]?: No such file|cannot open directory .*: No such file|state\.json: no such file/i,
    'ERR_CONTAINER_NOT_FOUND',
  ],
  // Quoted: what runc says of a bundle that has gone is not.
  [/chdir (to (cwd \()?)?[`"'].*(no such file|not a directory)/i, 'ERR_CWD_NOT_FOUND'],
  [
    /executable file .*not found|exec: ".*": |open executable|the path .* is not (a regular file|executable)/i,
    'ERR_EXEC_NOT_FOUND',
  ],
  [
    /exec\.fifo|is paused|paused container|not (paused|running|stopped)|not in .* state|in the \w+ state|stopped container|already running|container .*has (stopped|run)|pidfd.*no such process|setns[ (]|\/proc\/\d+\/ns\//i,
    'ERR_BAD_STATE',
  ],
  [
    /config\.json|parse (file|config)|process property|invalid rootfs|make .* private: No such file|unmarshal/i,
    'ERR_INVALID_BUNDLE',
  ],
  [/cgroup|`([^`]*\/)?(cpu|cpuset|memory|pids|io|blkio|hugetlb|rdma|misc)\.\w/i, 'ERR_CGROUP'],
  [/permission denied|operation not permitted|read-only file system|rootless/i, 'ERR_PERMISSION'],
  [
    /unknown (option|command|flag)|flag provided but not defined|unrecognized option|not supported/i,
    'ERR_UNSUPPORTED',
  ],
];

/** A runtime says what it is about at the beginning, and why it failed at the end. */
const kMostWords = 2048;

/**
 * The code for what a runtime said when it failed. callersWords: the id, the paths, the arguments that it was given:
 * what it repeats of them means nothing.
 */
export function failureCode(op: string, said: string, callersWords: readonly string[] = []): ErrorCode {
  // The patterns look back: on the 64 KiB that a hook can make a runtime say they would take minutes.
  const words =
    said.length <= 2 * kMostWords ? said : `${said.slice(0, kMostWords)}\n${said.slice(-kMostWords)}`;
  const runtimes = withoutCallersWords(words, callersWords);
  for (const [pattern, code] of meanings)
    if (pattern.test(runtimes) && (code !== 'ERR_INVALID_BUNDLE' || op === 'create')) return code;
  return 'ERR_RUNTIME_FAILED';
}
