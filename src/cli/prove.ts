import { parseArgs } from 'node:util';
import { directVerbs } from '../direct/versions';
import { prove } from '../proof/prove';

const usage = `usage: dobby-runc prove [--runtime NAME-OR-PATH] [--proof FILE] [--seconds N] [--seed N]
For a runtime whose version this package does not know: compares, for N seconds (20), what the package does without
starting the runtime with what the runtime's command line does, on containers of its own, and writes down which verbs
have never differed. DobbyRunC uses those (option direct: 'auto') until the binary, the kernel or this package changes.
  --proof  where to write it; default: /run/dobby-runc/proofs, where DobbyRunC looks; else give its option proof the same
Exits with 0 when all verbs are proven, with 1 when some are not.
`;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      runtime: { type: 'string' },
      proof: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const seconds = numberOf('seconds', values.seconds);
  const seed = numberOf('seed', values.seed);
  const { proof, file } = await prove({
    ...(values.runtime === undefined ? {} : { runtime: values.runtime }),
    ...(values.proof === undefined ? {} : { proof: values.proof }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(seed === undefined ? {} : { seed }),
  });
  let isWhole = true;
  for (const verb of directVerbs) {
    const { equal, difference } = proof.verbs[verb];
    const isProven = equal > 0 && difference === undefined;
    isWhole &&= isProven;
    const why = difference ?? (equal > 0 ? `equal ${equal} times` : 'never done directly');
    process.stdout.write(`${verb.padEnd(8)} ${isProven ? 'proven' : 'not proven'}: ${why}\n`);
  }
  process.stdout.write(`${proof.kind} ${proof.version}, ${proof.steps} steps, seed ${proof.seed}: ${file}\n`);
  return isWhole ? 0 : 1;
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new Error(`--${name}: must be a number above 0, not ${text}`);
  return value;
}
