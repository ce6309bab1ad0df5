/** A word without any of these in it can't be taken for a runtime's, and stays. */
const kMisleading =
  /container|exist|status|director|state|exec|open|path|hook|fifo|paused|running|stopped|setns|\/ns\/|config|parse|process|property|rootfs|private|marshal|cgroup|permi|read-only|rootless|unknown|option|command|flag|support|chdir|cwd|pidfd|no such|not /i;

/** The kernel's own places, which a bundle may name and a runtime means by itself. */
const kKernels = /^\/(proc|sys)(\/|$)/;

/** What may as well be the runtime's own word ('container'): cut out only where it stands as a name. */
const kPlain = /^[a-z0-9]+$/i;

/** What stands for a word that has been cut out. */
const kCut = '…';

const kMostWords = 1000;

/** A runtime's words without those that its caller put into them. */
export function withoutCallersWords(said: string, callersWords: readonly string[]): string {
  const words = new Set(callersWords.flatMap(spellings));
  let left = said;
  // The longest first: a path has the id in it.
  for (const word of [...words].sort((a, b) => b.length - a.length)) {
    if (!kMisleading.test(word) || kKernels.test(word) || !left.includes(word)) continue;
    const literal = word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    // In quotation marks or as a part of a path; or at least not as a part of a longer word.
    const place = kPlain.test(word)
      ? `(?<=[\`'"/])${literal}(?=[\`'"/]|:|$)`
      : `(?<![\\w+-])${literal}(?![\\w+-])`;
    left = left.replaceAll(new RegExp(place, 'g'), kCut);
  }
  return left;
}

/** As it was given, and as Go's %q and JSON spell it. Of a path to config.json the directory: its name tells something. */
function spellings(word: string): string[] {
  const directory = word.endsWith('/config.json') ? word.slice(0, -'/config.json'.length) : word;
  return directory === '' ? [] : [directory, JSON.stringify(directory).slice(1, -1)];
}

/** The strings in a configuration. */
export function stringsIn(value: unknown, found: string[] = []): string[] {
  if (found.length >= kMostWords) return found;
  if (typeof value === 'string') found.push(value);
  else if (typeof value === 'object' && value !== null)
    for (const each of Object.values(value)) stringsIn(each, found);
  return found;
}
