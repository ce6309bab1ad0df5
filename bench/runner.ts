import { NoiseMeter } from './noise';
import type { Progress } from './progress';
import type { Case, Job, Params, Question, Runtimes, Samples, Scale, Workspace } from './question';
import { type Answer, type Figure, paramsText } from './results';
import { median, summarize } from './statistics';
import { WorkerClient } from './worker-client';
import { closeWorkspace, openWorkspace } from './workspace';

const timeLimitsMs: Record<Scale, number> = { smoke: 30_000, quick: 120_000, full: 120_000 };

/** The rounds of one contestant in one case. */
class Contender {
  readonly rounds: Samples[] = [];
  problem: { reason: string; failed: boolean } | null = null;
  constructor(readonly name: string) {}

  figures(question: Question, params: Params): Figure[] {
    return question.measures.flatMap((measure) => {
      const rounds = this.rounds
        .map((round) => round[measure.name] ?? [])
        .filter((values) => values.length > 0);
      if (rounds.length === 0) return [];
      return {
        measure: measure.name,
        contestant: this.name,
        params,
        ...summarize(rounds.flat()),
        rounds: rounds.map(median),
      };
    });
  }
}

/** The measuring processes of one question: one per contestant, kept between rounds unless a case wants new ones. */
class Workers {
  readonly #kept = new Map<string, WorkerClient>();

  async run(each: Case, job: Job, timeLimitMs: number) {
    const key = `${job.contestant} ${each.nodeArguments?.join(' ') ?? ''}`;
    let worker = this.#kept.get(key);
    if (!worker?.alive) {
      worker = new WorkerClient(each.nodeArguments ?? []);
      this.#kept.set(key, worker);
    }
    const reply = await worker.run(job, timeLimitMs);
    if (each.fresh || 'error' in reply) {
      this.#kept.delete(key);
      await worker.end();
    }
    return reply;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#kept.values()].map((worker) => worker.end()));
    this.#kept.clear();
  }
}

let serial = 0;

export interface Run {
  scale: Scale;
  runtimes: Runtimes;
  progress: Progress;
  /** Only these contestants, when given. */
  only?: readonly string[];
}

export async function answerQuestion(question: Question, run: Run, heading: string): Promise<Answer> {
  const startMs = Date.now();
  const { name, asks, how, across, growth, measures } = question;
  const answer: Answer = {
    name,
    asks,
    how,
    across,
    measures,
    figures: [],
    absences: [],
    noise: [],
    seconds: 0,
  };
  if (growth !== undefined) answer.growth = growth;
  const workspace = openWorkspace();
  const workers = new Workers();
  const interrupt = () => {
    closeWorkspace(workspace, run.runtimes);
    process.exit(130);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    for (const each of question.cases(run.scale, run.runtimes)) {
      await answerCase(question, each, { run, workspace, workers, answer, heading });
    }
  } finally {
    await workers.end();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    closeWorkspace(workspace, run.runtimes);
  }
  answer.seconds = Math.round((Date.now() - startMs) / 1000);
  return answer;
}

interface Context {
  run: Run;
  workspace: Workspace;
  workers: Workers;
  answer: Answer;
  heading: string;
}

async function answerCase(question: Question, each: Case, context: Context): Promise<void> {
  const { run, workspace, answer } = context;
  const { params } = each;
  const contenders = each.contestants
    .filter((name) => run.only?.includes(name) ?? true)
    .map((name) => new Contender(name));
  const noise = new NoiseMeter();
  const undo = await question.prepare?.(params, workspace);
  try {
    for (let round = 0; round < each.rounds; round++) {
      noise.sample();
      // There and back: nobody is always first, or always after the same neighbour.
      const order = round % 2 === 0 ? contenders : contenders.toReversed();
      for (const contender of order.filter(({ problem }) => problem === null)) {
        const detail = `${paramsText(params)} · round ${round + 1}/${each.rounds} · ${contender.name}`;
        run.progress.show(`${context.heading} ${question.name}`, detail);
        await playRound(question, each, contender, context);
      }
    }
  } finally {
    await undo?.();
  }
  for (const contender of contenders) {
    answer.figures.push(...contender.figures(question, params));
    if (contender.problem) answer.absences.push({ contestant: contender.name, params, ...contender.problem });
  }
  answer.noise.push({ params, ...noise.read() });
}

async function playRound(
  question: Question,
  each: Case,
  contender: Contender,
  context: Context,
): Promise<void> {
  const job: Job = {
    question: question.name,
    contestant: contender.name,
    params: each.params,
    samples: each.samples,
    warmup: each.warmup,
    workspace: context.workspace,
    serial: serial++,
  };
  const reply = await context.workers.run(each, job, each.timeLimitMs ?? timeLimitsMs[context.run.scale]);
  if ('samples' in reply) contender.rounds.push(reply.samples);
  else if ('unsupported' in reply) contender.problem = { reason: reply.unsupported, failed: false };
  else contender.problem = { reason: reply.error, failed: true };
}
