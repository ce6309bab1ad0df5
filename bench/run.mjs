// `npm run bench` and `npm run bench:report`: brings about what they need, then starts them.
//   node bench/run.mjs main|report/main [ARGUMENT...]
import { passThrough, runMain } from '../scripts/lib/run.mjs';
import { setUp } from '../scripts/setup.mjs';

runMain(async () => {
  const [program, ...rest] = process.argv.slice(2);
  await setUp('demo', { extra: ['runc', 'cmake'] });
  // Inherited settings of npm's would reach the processes that are measured.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?!config_nodedir$)/.test(name)),
  );
  return passThrough(process.execPath, [`dist/bench/${program}.js`, ...rest], { env });
});
