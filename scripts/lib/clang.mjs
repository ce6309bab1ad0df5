// The clang that fuzzing needs: one that comes with libFuzzer and the sanitizers.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { findProgram } from './run.mjs';

/** What Debian 12 calls 'clang' is 14, what Debian 13 does is 19. */
export function clangVersion() {
  return existsSync('/etc/debian_version') && /^(13|trixie)/.test(readFileSync('/etc/debian_version', 'utf8'))
    ? 19
    : 14;
}

const target = `#include <cstddef>
#include <cstdint>
extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }`;

/** The absolute path of a clang++ that links a fuzz target, or undefined. */
export function findFuzzingClang() {
  const names = [
    `clang++-${clangVersion()}`,
    'clang++',
    ...[20, 19, 18, 17, 16, 15].map((n) => `clang++-${n}`),
  ];
  return names.map(findProgram).find((file) => {
    if (file === undefined) return false;
    const args = ['-fsanitize=fuzzer,address,undefined', '-x', 'c++', '-', '-o', '/dev/null'];
    return spawnSync(file, args, { input: target, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
  });
}
