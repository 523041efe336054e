/**
 * The longest that a test or a hook may take, where it does not say otherwise: far beyond what any takes on a busy machine,
 * so that what fails is the wait for a condition, which says what it waited for.
 */
jest.setTimeout(300_000);
