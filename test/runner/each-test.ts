/** What every test file of the patient projects begins with. */
import { failIfUnjudged } from '../../libs/testkit/src/time-bound.ts';

/**
 * The longest that a test or a hook may take unless it says otherwise: far more than any takes on a busy machine, so that
 * the wait for a condition fails first and names its condition.
 */
jest.setTimeout(300_000);

afterEach(failIfUnjudged);
