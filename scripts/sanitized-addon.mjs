// npm run test:sanitized: the addon built with AddressSanitizer and UndefinedBehaviorSanitizer, in a Node that knows
// nothing of them, through the tests of native/ and the operations on real containers. Arguments go to `npm test`.
import path from 'node:path';
import { capture, nodeHeaders, passThrough, repositoryRoot, runMain, say } from './lib/run.mjs';
import { setUp } from './setup.mjs';

const place = path.join(repositoryRoot, 'build-cmake/sanitized-addon');
const usualTests = ['test/native', 'test/integration/operations.test.ts'];

function buildAddon() {
  say('Building the addon with ASan and UBSan');
  const settings = ['-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DDOBBY_SANITIZE=address,undefined'];
  capture('cmake', ['-S', '.', '-B', place, ...settings, `-DCMAKE_JS_INC=${nodeHeaders()}`]);
  capture('cmake', ['--build', place, '--parallel', '2']);
}

runMain(async () => {
  await setUp('test');
  buildAddon();
  const libraries = ['libasan.so', 'libubsan.so'].map((name) =>
    capture('g++', [`-print-file-name=${name}`]).trim(),
  );
  const tests = process.argv.length > 2 ? process.argv.slice(2) : usualTests;
  return passThrough(process.execPath, [path.join(repositoryRoot, 'scripts/test.mjs'), ...tests], {
    env: {
      ...process.env,
      LD_PRELOAD: libraries.join(':'),
      // Node never frees all it has, and handles SIGSEGV itself.
      ASAN_OPTIONS: 'detect_leaks=0:handle_segv=0:allow_user_segv_handler=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
      DOBBY_RUNC_PREBUILD: place,
    },
  });
});
