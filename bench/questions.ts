import type { Question } from './question';
import { afterIdling } from './question-after-idling';
import { contention } from './question-contention';
import { createCost } from './question-create-cost';
import { cycle } from './question-cycle';
import { exits } from './question-exits';
import { importing } from './question-import';
import { list } from './question-list';
import { loopBlock } from './question-loop-block';
import { memory } from './question-memory';
import { operationBlock } from './question-operation-block';
import { operations } from './question-operations';
import { output } from './question-output';
import { repeatedOperations } from './question-repeated';
import { runtimeStart } from './question-runtime-start';
import { spawnExit } from './question-spawn-exit';

/** In the order of the tables. */
export const questions: readonly Question[] = [
  loopBlock,
  spawnExit,
  operations,
  repeatedOperations,
  operationBlock,
  list,
  cycle,
  afterIdling,
  exits,
  output,
  memory,
  importing,
  contention,
  runtimeStart,
  createCost,
];
