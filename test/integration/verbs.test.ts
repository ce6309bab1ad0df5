import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { cgroup, kind, needsRuntime } from '../helpers/environment';
import { dobbyForSuite } from '../helpers/suite';
import { expectedIn, inState, outcomeOf, states, verbs } from './verbs-table';

const docs = readFileSync(path.join(__dirname, '../../../docs/verbs.md'), 'utf8');

for (const direct of ['auto', 'off'] as const)
  describe(`each verb in each state, as docs/verbs.md has it, direct: ${direct}`, {
    skip: needsRuntime(),
  }, () => {
    const ids: string[] = [];
    after(async () => {
      for (const id of ids) await dobby.destroy(id, { force: true }).catch(() => {});
    });
    const dobby = dobbyForSuite({ direct });

    for (const [verb, run] of verbs)
      test(verb, async () => {
        const seen: Record<string, string> = {};
        for (const state of states) {
          const id = await inState(dobby, state);
          ids.push(id);
          seen[state] = await outcomeOf(dobby, run, id);
          await dobby.destroy(id, { force: true }).catch(() => {});
        }
        const expected = states.map((state) => [state, expectedIn(docs, verb, state, { kind, cgroup })]);
        assert.deepEqual(seen, Object.fromEntries(expected));
      });
  });
