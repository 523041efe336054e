/** The longest that a test may take, where it does not say otherwise. */
jest.setTimeout(120_000);
