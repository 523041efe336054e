/** Every suite is a project; `jest --selectProjects unit` runs one. Only code that ships as ES modules alone is transformed. */
const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch: testMatch.map((glob) => `<rootDir>/${glob}`),
  testEnvironment: '<rootDir>/test/runner/environment.ts',
  modulePathIgnorePatterns: ['<rootDir>/.spawner/'],
  extensionsToTreatAsEsm: [],
  // Users get the built package; tests of the repository read its source.
  moduleNameMapper: { '^@spawner/client$': '<rootDir>/libs/client/src/index.ts' },
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs', importInterop: 'node' },
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(httpxy|@spawner)/)'],
  ...extra,
});

/** Tests wait for conditions, not for time: with real timers, sockets and programs they may take long when a machine is busy. */
const patient = { setupFilesAfterEnv: ['<rootDir>/test/runner/each-test.ts'] };

export default {
  projects: [
    project(
      'unit',
      [
        'libs/**/*.test.ts',
        'services/**/*.test.ts',
        'test/{bench,mutations,rules,runner}/**/*.test.ts',
        'deploy/**/*.test.ts',
        'test/memory-redis/**/*.test.ts',
        'test/simulation/*/**/*.test.ts',
      ],
      patient,
    ),
    project('simulation', ['test/simulation/*.test.ts'], patient),
    project('contract', ['test/contract/**/*.test.ts'], patient),
    project('integration', ['test/integration/**/*.test.ts'], patient),
    project('conformance', ['test/conformance/{http,websocket}/**/*.test.ts'], patient),
    project('endurance', ['test/conformance/{streams,abuse}/**/*.test.ts'], patient),
    project('e2e', ['test/e2e/**/*.test.ts'], patient),
    project('faults', ['test/faults/**/*.test.ts'], patient),
    project('idle', ['test/idle/**/*.test.ts'], patient),
    project('compose', ['test/compose/**/*.test.ts'], patient),
  ],
};
