import type { Finding, Grade } from './finding';

const marks: Record<Grade, [string, number]> = {
  good: ['ok', 32],
  lack: ['lacks', 33],
  bad: ['BAD', 31],
  note: ['note', 36],
};

/** Breaks words into lines of `width`; a word that is longer stays whole, so that it can be copied. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The report for a terminal of `columns`, coloured or not. */
export function report(findings: readonly Finding[], columns: number, isColoured: boolean): string {
  const nameWidth = Math.max(...findings.map(({ what }) => what.length));
  const indent = ' '.repeat(6 + nameWidth + 2);
  const width = Math.max(30, Math.min(columns, 120) - indent.length);
  const lines = findings.flatMap(({ what, grade, found, cost, cure }) => {
    const [mark, color] = marks[grade];
    const shown = isColoured ? `\x1b[${color}m${mark.padEnd(6)}\x1b[0m` : mark.padEnd(6);
    const texts = [found, cost && `costs: ${cost}`, cure && `mend:  ${cure}`].filter(Boolean);
    const wrapped = texts.flatMap((text) => wrap(text, width));
    return wrapped.map((line, index) =>
      index === 0 ? `${shown}${what.padEnd(nameWidth)}  ${line}` : `${indent}${line}`,
    );
  });
  return `${lines.join('\n')}\n`;
}
