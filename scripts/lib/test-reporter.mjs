// A node:test reporter for the runner: what the summary counted, and every test and suite that was skipped
// (the summary does not count a skipped suite), as one line of JSON.
export default async function* report(events) {
  const counts = {};
  const skipped = [];
  for await (const { type, data } of events) {
    if (type === 'test:diagnostic' && data.nesting === 0) {
      const [, what, count] = /^(tests|pass|fail|cancelled|skipped|todo) (\d+)$/.exec(data.message) ?? [];
      if (what !== undefined) counts[what] = Number(count);
    }
    const why = data.skip ?? data.todo;
    if (type === 'test:pass' && why !== undefined && why !== false) {
      skipped.push(`${data.name}${typeof why === 'string' && why !== '' ? ` (${why})` : ''}`);
    }
  }
  yield JSON.stringify({ counts, skipped });
}
