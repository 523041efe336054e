/**
 * `npm run up`: installs what is missing, then runs main.ts under the project's own Node. It is plain JavaScript because it must
 * start under an old Node and before any package is installed.
 */
import { spawn } from 'node:child_process';
import { installNpm, installSystem, projectEnv, projectNode, root } from './install.mjs';

const wanted = [
  ...(process.env.SPAWNER_REDIS_URL ? [] : ['redis-server']),
  ...(process.env.SPAWNER_NATS_URL ? [] : ['nats-server']),
];

try {
  installNpm();
  installSystem(wanted);
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

const child = spawn(projectNode(), ['deploy/local/main.ts'], {
  cwd: root,
  env: projectEnv(),
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  detached: true,
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(`\n${error.message}`);
  process.exit(1);
});
child.once('exit', (code) => process.exit(code ?? 1));
