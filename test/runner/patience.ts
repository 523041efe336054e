/** The longest that a test with real servers may take, where it does not say otherwise. */
jest.setTimeout(120_000);
