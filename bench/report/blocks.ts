import type { Results } from '../results';
import { tablesOf } from '../tables';
import { conditionsText } from '../terminal';
import { headlineTable } from './headline-table';
import { markdownTable } from './markdown';

const block = /<!-- bench (\S+) -->[\s\S]*?<!-- \/bench -->/g;

/**
 * Fills what stands between `<!-- bench NAME -->` and `<!-- /bench -->`: the tables of a question (its medians), or
 * 'headline', or 'conditions'. Throws for a name that the result does not have.
 */
export function fillBlocks(text: string, results: Results): string {
  return text.replaceAll(
    block,
    (_, name: string) => `<!-- bench ${name} -->\n${content(name, results)}\n<!-- /bench -->`,
  );
}

function content(name: string, results: Results): string {
  if (name === 'headline') return headlineTable(results);
  if (name === 'conditions') return `\`\`\`text\n${conditionsText(results)}\n\`\`\``;
  const answer = results.answers.find((each) => each.name === name);
  if (!answer) throw new Error(`the result has no answer to '${name}'`);
  return tablesOf(answer, results.contestants)
    .filter(({ statistic }) => statistic === 'p50')
    .map((table) => markdownTable(answer, table))
    .join('\n\n');
}
