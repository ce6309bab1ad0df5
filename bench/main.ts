import path from 'node:path';
import { type Arguments, parseArguments, usage } from './arguments';
import { changesText, compare, isOurs } from './compare';
import { contestantNames } from './contestants/index';
import { buildBaseline, enterEnvironment } from './environment';
import { describeMachine, findRuntimes } from './machine';
import { resultsDirectory } from './paths';
import { Progress } from './progress';
import type { Question } from './question';
import { questions } from './questions';
import { type Results, readResults, resultsFileName, schemaVersion, writeResults } from './results';
import { answerQuestion } from './runner';
import { answerText, conditionsText } from './terminal';

function chosen(names: readonly string[]): Question[] {
  const unknown = names.filter((name) => !questions.some((question) => question.name === name));
  if (unknown.length > 0) throw new TypeError(`no question ${unknown.join(', ')}; --list names them`);
  return names.length === 0 ? [...questions] : questions.filter(({ name }) => names.includes(name));
}

function listText(): string {
  const width = Math.max(...questions.map(({ name }) => name.length));
  return [
    'questions:',
    ...questions.map(({ name, asks }) => `  ${name.padEnd(width)}  ${asks}`),
    'contestants:',
    ...Object.entries(contestantNames).map(([name, title]) => `  ${name.padEnd(width)}  ${title}`),
    '',
  ].join('\n');
}

async function measure(wanted: Question[], options: Arguments): Promise<Results> {
  const runtimes = findRuntimes();
  if (Object.keys(runtimes).length === 0) throw new Error('neither crun nor runc is on this machine');
  const progress = new Progress();
  const results: Results = {
    schema: 'dobby-runc-bench',
    schemaVersion,
    startedAt: new Date().toISOString(),
    scale: options.scale,
    machine: describeMachine(runtimes),
    contestants: contestantNames,
    answers: [],
  };
  process.stdout.write(`${conditionsText(results)}\n`);
  for (const [index, question] of wanted.entries()) {
    const heading = `[${index + 1}/${wanted.length}]`;
    const run = { scale: options.scale, runtimes, progress };
    const answer = await answerQuestion(
      question,
      options.contestants ? { ...run, only: options.contestants } : run,
      heading,
    );
    results.answers.push(answer);
    progress.clear();
    process.stdout.write(`${answerText(answer, results)}\n`);
  }
  return results;
}

async function main(argv: readonly string[]): Promise<number> {
  const options = parseArguments(argv);
  const wanted = chosen(options.questions);
  if (options.help || options.list) {
    process.stdout.write(options.help ? usage : listText());
    return 0;
  }
  // Before minutes of measuring, not after.
  const before = options.against === undefined ? undefined : readResults(options.against);
  buildBaseline();
  const inner = await enterEnvironment(options.cgroup, __filename, argv);
  if (inner !== null) return inner;

  const results = await measure(wanted, options);
  const file = options.out ?? path.join(resultsDirectory, resultsFileName(results));
  // A smoke run's figures mean nothing: kept only on request.
  if (options.scale !== 'smoke' || options.out !== undefined) {
    writeResults(file, results);
    process.stdout.write(`\nresults: ${path.relative(process.cwd(), file)}\n`);
  }
  let code = results.answers.some(({ absences }) => absences.some(({ failed }) => failed)) ? 1 : 0;
  if (before) {
    const changes = compare(before, results);
    process.stdout.write(`\n${changesText(changes, results)}\n`);
    const ours = changes.filter(({ contestant }) => isOurs(contestant));
    // Nothing in common is no proof that nothing got slower.
    if (ours.length === 0 || ours.some(({ verdict }) => verdict === 'worse')) code = 1;
  }
  return code;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(
      `bench: ${error instanceof TypeError ? `${error.message}\n${usage}` : error.stack}\n`,
    );
    process.exitCode = 2;
  },
);
