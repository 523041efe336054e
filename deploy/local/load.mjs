/** `npm run -s load -- IMAGE`: starts load.ts under the project's own Node. */
import { spawnSync } from 'node:child_process';
import { projectEnv, projectNode, root } from './install.mjs';

const { status } = spawnSync(projectNode(), ['deploy/local/load.ts', ...process.argv.slice(2)], {
  cwd: root,
  env: projectEnv(),
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
