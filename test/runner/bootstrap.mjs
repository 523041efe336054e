/** From whatever Node started us to the project's own, with all that is needed installed. */
import { spawn } from 'node:child_process';
import { installNpm, installSystem, projectEnv, projectNode, root } from '../../deploy/local/install.mjs';

/** Installs npm's packages and the needed programs, then runs the script; resolves with its exit code. */
export async function runUnderProjectNode(needed, script, args) {
  try {
    installNpm();
    installSystem(needed);
    const child = spawn(projectNode(), [script, ...args], { cwd: root, env: projectEnv(), stdio: 'inherit' });
    // Ctrl-C reaches the child by itself; it tidies up and ends, and so do we.
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  } catch (error) {
    console.error(error.message);
    console.log('0 passed, 1 failed, 0 skipped');
    return 1;
  }
}
