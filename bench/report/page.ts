import type { Answer, Results } from '../results';
import { paramsText } from '../results';
import { cellText, tablesOf } from '../tables';
import { conditionsText, noiseText } from '../terminal';
import { escapeText } from './render';
import { fontFamily, pageColor, pageStyle } from './theme';

export interface Section {
  id: string;
  heading: string;
  text: string;
  figures: string[];
  /** Already HTML. */
  tables: string;
}

const style = `
${pageStyle()}
:root{color-scheme:light dark}
body{margin:0 auto;padding:24px 20px 60px;max-width:1060px;background:${pageColor('paper')};color:${pageColor('ink')};font:15px/1.5 ${fontFamily}}
h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:44px 0 4px}
p,pre{margin:4px 0 12px}.muted,pre,caption{color:${pageColor('muted')}}pre{font-size:13px;white-space:pre-wrap}
nav a{margin-right:14px;white-space:nowrap}a{color:${pageColor('dobby')}}
.figure{display:block;max-width:100%;height:auto;margin:14px 0}
details{margin:10px 0}summary{cursor:pointer}.wide{overflow-x:auto}
table{border-collapse:collapse;margin:12px 0;font-size:13px;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:4px 0;font-size:13px;white-space:nowrap}
th,td{padding:4px 10px;border-bottom:1px solid ${pageColor('grid')};text-align:right;white-space:nowrap;font-weight:normal}
th:first-child,td:first-child{text-align:left;padding-left:0}thead th{color:${pageColor('muted')}}tr.ours{font-weight:600}
`;

/** The whole report: one file that needs nothing else. */
export function page(results: Results, sections: readonly Section[]): string {
  const links = sections.map(({ id }) => `<a href="#${id}">${escapeText(id)}</a>`).join(' ');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>dobby-runc, measured</title><style>${style}</style></head><body>
<h1>dobby-runc, measured</h1>
<p class="muted">Bars and points are medians, the dark strokes go from p25 to p75. Everything in one question was measured in one run, in turns.</p>
<pre>${escapeText(conditionsText(results))}</pre>
<nav>${links}</nav>
${sections.map(sectionHtml).join('\n')}
</body></html>
`;
}

function sectionHtml({ id, heading, text, figures, tables }: Section): string {
  const details = tables === '' ? '' : `<details><summary>Figures</summary>${tables}</details>`;
  return `<section id="${id}"><h2>${escapeText(heading)}</h2><p class="muted">${escapeText(text)}</p>${figures.join('')}${details}</section>`;
}

export function answerTables(answer: Answer, results: Results): string {
  const tables = tablesOf(answer, results.contestants).map((table) => {
    const head = ['', ...table.columns].map((column) => `<th>${escapeText(column)}</th>`).join('');
    const rows = table.rows.map(({ label, contestant, cells }) => {
      const name = `<th scope="row">${escapeText(label)}</th>`;
      const values = cells.map((cell) => `<td>${escapeText(cellText(answer, cell, table.statistic))}</td>`);
      return `<tr${contestant === 'dobby' ? ' class="ours"' : ''}>${name}${values.join('')}</tr>`;
    });
    const what = table.statistic === 'p99' ? 'p99' : 'median ± half the p25–p75 range';
    const caption = [table.title, what].filter(Boolean).join(': ');
    return `<div class="wide"><table><caption>${escapeText(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
  });
  const absences = answer.absences.map(
    ({ contestant, params, reason }) =>
      `<li>${escapeText(`${contestant} (${paramsText(params)}): ${reason}`)}</li>`,
  );
  const list = absences.length === 0 ? '' : `<ul class="muted">${absences.join('')}</ul>`;
  return `${tables.join('')}${list}<p class="muted">${escapeText(noiseText(answer))}</p>`;
}
