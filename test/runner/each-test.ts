/** Every test file of the patient projects begins with this one. */
import { failIfUnjudged } from '../../libs/testkit/src/time-bound.ts';

/** Longer than any test or hook takes on a busy machine: the wait for a condition fails first, and names its condition. */
jest.setTimeout(300_000);

afterEach(failIfUnjudged);
