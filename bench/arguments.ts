import { parseArgs } from 'node:util';
import type { Scale } from './question';

export interface Arguments {
  scale: Scale;
  /** Names of questions; empty: all. */
  questions: string[];
  contestants?: string[];
  cgroup: 'auto' | 'v1' | 'v2';
  against?: string;
  out?: string;
  list: boolean;
  help: boolean;
}

export const usage = `usage: npm run bench -- [OPTION]... [QUESTION]...

  QUESTION...              only these; --list names them
  --quick                  about three minutes for everything instead of twelve
  --smoke                  every question once and tiny: only tells whether the harness works
  --only NAME[,NAME...]    only these contestants
  --cgroup auto|v1|v2      as scripts/cgroup-env has it; the runtimes are those of the PATH
  --against FILE           compare with an earlier result; exits with 1 when something of dobby-runc got
                           slower by more than the spread, or when they have nothing in common
  --out FILE               where the result goes (default bench/results/<date>-<machine>.json)
  --list                   the questions and contestants
`;

/** Throws a TypeError that says what is wrong. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      only: { type: 'string' },
      cgroup: { type: 'string', default: 'auto' },
      against: { type: 'string' },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.quick && values.smoke) throw new TypeError('--quick and --smoke exclude each other');
  const { cgroup } = values;
  if (cgroup !== 'auto' && cgroup !== 'v1' && cgroup !== 'v2')
    throw new TypeError('--cgroup is auto, v1 or v2');
  return {
    cgroup,
    scale: values.smoke ? 'smoke' : values.quick ? 'quick' : 'full',
    questions: positionals,
    list: values.list,
    help: values.help,
    ...(values.only === undefined ? {} : { contestants: values.only.split(',') }),
    ...(values.against === undefined ? {} : { against: values.against }),
    ...(values.out === undefined ? {} : { out: values.out }),
  };
}
