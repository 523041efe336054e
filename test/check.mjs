/** `npm run check`: types, Biome, buf lint, generated code, unit tests. No services, under a minute. */
import { runUnderProjectNode } from './runner/bootstrap.mjs';

const plan = { checks: true, projects: ['unit'], patterns: [], docker: false };
process.exitCode = await runUnderProjectNode([], 'test/runner/main.ts', [JSON.stringify(plan)]);
