/** Every test file of the patient projects begins with this one. */
import { relative } from 'node:path';
import { markedPath, markOf } from '../../libs/testkit/src/test-run.ts';
import { failIfUnjudged } from '../../libs/testkit/src/time-bound.ts';

/** Longer than any test or hook takes on a busy machine: the wait for a condition fails first, and names its condition. */
jest.setTimeout(Number(process.env.SPAWNER_TEST_LIMIT_MS ?? 300_000));

const PATH = process.env.PATH ?? '';
const mark = markOf(PATH);
const file = relative(process.cwd(), expect.getState().testPath ?? '');
if (mark) process.env.PATH = markedPath(PATH, { ...mark, file });

afterEach(failIfUnjudged);
