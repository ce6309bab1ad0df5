import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { changesText, compare, isOurs } from '../compare';
import { repository, resultsDirectory } from '../paths';
import { type Results, readResults } from '../results';
import { fillBlocks } from './blocks';
import { changePanels, pageWidth, panelsOf } from './charts';
import { headlinePanels } from './headline';
import { markdownPage } from './markdown';
import { answerTables, page, type Section } from './page';
import { renderFigure } from './render';

const usage = `usage: npm run bench:report -- [--out DIRECTORY] [--docs] [RESULT.json]...

Makes DIRECTORY/index.html and the plots beside it (default bench/out) from the newest result in bench/results,
or from the one named; from several, oldest first, also what changed from the first to the last. --docs also writes
what the repository keeps: docs/figures.md, bench/results/plots, and the tables between <!-- bench NAME --> and
<!-- /bench --> in README.md, docs/performance.md and bench/results/performance.md.
`;

function newestResult(): string {
  const names = fs.existsSync(resultsDirectory) ? fs.readdirSync(resultsDirectory) : [];
  const newest = names
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .at(-1);
  if (newest === undefined) throw new TypeError('there is no result in bench/results yet: npm run bench');
  return path.join(resultsDirectory, newest);
}

/** Writes the plots beside the page, and puts them into it. */
class Report {
  readonly sections: Section[] = [];

  constructor(private readonly directory: string) {
    fs.mkdirSync(directory, { recursive: true });
    // Plots of questions that this result does not answer.
    for (const name of fs.readdirSync(directory))
      if (name.endsWith('.svg')) fs.rmSync(path.join(directory, name));
  }

  async add(section: Omit<Section, 'figures'>, panels: Parameters<typeof renderFigure>[1]): Promise<void> {
    const figures: string[] = [];
    if (panels.length > 0) {
      const svg = await renderFigure(section.heading, panels, pageWidth);
      fs.writeFileSync(path.join(this.directory, `${section.id}.svg`), `${svg}\n`);
      figures.push(svg);
    }
    this.sections.push({ ...section, figures });
  }
}

async function makeReport(all: readonly Results[], directory: string): Promise<string> {
  const results = all.at(-1) as Results;
  const first = all[0] as Results;
  const report = new Report(directory);
  await report.add({ id: 'headline', heading: 'In short', text: '', tables: '' }, headlinePanels(results));
  if (first !== results) {
    const changes = compare(first, results);
    const text = `From ${first.startedAt} (${first.machine.commit}) to ${results.startedAt} (${results.machine.commit}). ${changesText(
      changes,
      results,
    )
      .split('\n')
      .filter((line) => !line.startsWith(' '))
      .join('. ')}`;
    const ours = changes.filter(({ contestant }) => isOurs(contestant));
    await report.add(
      { id: 'changes', heading: 'Before and after', text, tables: '' },
      changePanels(ours, results),
    );
  }
  for (const answer of results.answers) {
    const { name, asks, how } = answer;
    await report.add(
      { id: name, heading: asks, text: how, tables: answerTables(answer, results) },
      panelsOf(answer, results),
    );
  }
  const file = path.join(directory, 'index.html');
  fs.writeFileSync(file, page(results, report.sections));
  return file;
}

/** What the repository keeps of a report: the plots, all figures as Markdown, and the marked tables in its pages. */
function writeDocs(source: string, directory: string): void {
  const results = readResults(source);
  const plots = path.join(resultsDirectory, 'plots');
  fs.rmSync(plots, { recursive: true, force: true });
  fs.mkdirSync(plots, { recursive: true });
  for (const name of fs.readdirSync(directory).filter((each) => each.endsWith('.svg'))) {
    fs.copyFileSync(path.join(directory, name), path.join(plots, name));
  }
  const docs = path.join(repository, 'docs');
  const from = path.relative(repository, path.resolve(source));
  fs.writeFileSync(path.join(docs, 'figures.md'), markdownPage(results, path.relative(docs, plots), from));
  const pages = ['README.md', 'docs/performance.md', 'bench/results/performance.md']
    .map((name) => path.join(repository, name))
    .filter((each) => fs.existsSync(each));
  for (const each of pages) fs.writeFileSync(each, fillBlocks(fs.readFileSync(each, 'utf8'), results));
}

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const files = positionals.length > 0 ? positionals : [newestResult()];
  const file = await makeReport(files.map(readResults), values.out ?? path.join(repository, 'bench', 'out'));
  process.stdout.write(`${path.relative(process.cwd(), file)}\n`);
  if (values.docs) writeDocs(files.at(-1) as string, path.dirname(file));
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(
      `bench:report: ${error instanceof TypeError ? `${error.message}\n${usage}` : error.message}\n`,
    );
    process.exitCode = 2;
  },
);
