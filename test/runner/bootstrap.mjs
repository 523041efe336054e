/** From any Node that started us to the project's own, with everything installed that the run needs. */
import { spawn } from 'node:child_process';
import { installNpm, installSystem, projectEnv, projectNode, root } from '../../deploy/local/install.mjs';

/** Installs npm's packages and the needed programs, then runs the script; resolves with its exit code. */
export async function runUnderProjectNode(needed, script, args) {
  try {
    installNpm();
    installSystem(needed);
    const command = ['test/runner/load.mjs', script, ...args];
    const child = spawn(projectNode(), command, { cwd: root, env: projectEnv(), stdio: 'inherit' });
    // Ctrl-C reaches the child by itself: it cleans up and ends, and so does this process.
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    const ended = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal));
    });
    if (typeof ended === 'number') return ended;
    throw new Error(`${script} was ended by ${ended}`);
  } catch (error) {
    console.error(error.message);
    console.log('0 passed, 1 failed, 0 skipped');
    return 1;
  }
}
