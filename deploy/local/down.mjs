/** `npm run down`: starts down.ts under the project's own Node, which is installed if an `up` is running. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectEnv, projectNode, root } from './install.mjs';

if (!existsSync(join(root, '.spawner', 'up.json'))) {
  console.log('Nothing is running.');
} else {
  const { status } = spawnSync(projectNode(), ['deploy/local/down.ts'], {
    cwd: root,
    env: projectEnv(),
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
