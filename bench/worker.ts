// The process in which one contestant measures: one of its own, so that neither its heap nor what it sets for
// the whole process (a subreaper, signal handlers) is another's.
import { Unsupported } from './question';
import { questions } from './questions';
import type { Reply, Request } from './worker-messages';

async function answer(job: Request): Promise<Reply> {
  const question = questions.find(({ name }) => name === job.question);
  if (!question) return { error: `no question '${job.question}'` };
  try {
    return { samples: await question.run(job) };
  } catch (error) {
    if (error instanceof Unsupported) return { unsupported: error.message };
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

process.on('message', (job: Request) => {
  void answer(job).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));
