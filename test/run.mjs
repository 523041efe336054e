/**
 * `npm test`: installs what is missing and runs everything. `node test/run.mjs PROJECT [PATTERN]` runs one project of
 * jest.config.mjs, `compose` and `endurance` among them, or those of its files whose path matches. Plain JavaScript: it
 * must start under an old Node and before any package is installed; the rest is TypeScript under the project's own Node.
 */
import { runUnderProjectNode } from './runner/bootstrap.mjs';

const NEEDED = {
  unit: [],
  simulation: [],
  contract: ['redis-server', 'nats-server', 'dockerd', 'python3-grpc'],
  integration: ['redis-server', 'nats-server', 'dockerd', 'docker', 'pebble', 'dig', 'curl'],
  conformance: ['redis-server', 'nats-server', 'nginx', 'haproxy', 'openssl'],
  endurance: ['redis-server', 'nats-server'],
  e2e: ['redis-server', 'nats-server', 'dockerd', 'docker', 'pebble', 'dig', 'curl', 'chromium'],
  faults: ['redis-server', 'nats-server', 'dockerd', 'docker', 'iptables'],
  idle: ['redis-server', 'nats-server', 'iptables'],
  compose: ['dockerd', 'docker', 'docker-compose', 'debootstrap', 'redis-server', 'nats-server'],
};
const ALL = ['unit', 'simulation', 'contract', 'integration', 'conformance', 'e2e', 'faults', 'idle'];

const [project, ...patterns] = process.argv.slice(2);
const projects = project ? [project] : ALL;
const unknown = projects.filter((name) => !NEEDED[name]);
if (unknown.length > 0) {
  console.error(`No project is called ${unknown.join(', ')}; there are ${Object.keys(NEEDED).join(', ')}.`);
  process.exit(2);
}
const needed = [...new Set(projects.flatMap((name) => NEEDED[name]))];
const plan = { checks: project === undefined, projects, patterns, docker: needed.includes('dockerd') };
process.exitCode = await runUnderProjectNode(needed, 'test/runner/main.ts', [JSON.stringify(plan)]);
