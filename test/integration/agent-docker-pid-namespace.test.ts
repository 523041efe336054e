import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Docker, eventually, startDocker } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';

const { READY, TERMINATED } = BackendState;
/** Like a container without the host's PID namespace. The agent ends with its parent. */
const OWN_PID_NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child=SIGTERM'];
const CANNOT_SEE = 'cannot be seen from here';

describe('an agent that does not see the processes of its Docker Engine', () => {
  const cluster = `pidns-${process.pid}`;
  let engine: Docker;
  let world: AgentWorld;

  beforeAll(async () => {
    engine = await startDocker();
    await buildImage({ name: 'probe', socketPath: engine.socketPath });
    const env = {
      SPAWNER_CLUSTER: cluster,
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: engine.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: '10.242.10.0/24',
    };
    world = await startAgentWorld(env, OWN_PID_NAMESPACE);
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await promisify(execFile)('docker', [
      ...['-H', `unix://${engine.socketPath}`],
      ...['network', 'rm', `spawner-${cluster}`],
    ]);
    await engine?.stop();
  });

  it('relies on the proxies for an idle shutdown, and logs so once', async () => {
    const proxy = world.addProxy('p');
    proxy.answer = { open: 1, ageMs: 0 };
    const id = await world.place({ idleTimeoutMs: 1_000 });
    const { local } = await world.reaches(id, READY);
    const socket = connect(local?.port ?? 0, local?.host);
    await once(socket, 'connect');
    await eventually(() => (world.scheduler.suspensions.get(id)?.past.length ?? 0) >= 2);
    expect(new Set(world.scheduler.suspensions.get(id)?.past)).toEqual(new Set(['open']));
    // The connection is not a proxy's, so the proxies' answers end the backend in spite of it.
    proxy.answer = { open: 0, ageMs: 3_600_000 };
    expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
    socket.destroy();
    const next = await world.place({ idleTimeoutMs: 1_000 });
    expect(await world.reaches(next, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
    expect(world.agent.output().split(CANNOT_SEE)).toHaveLength(2);
  });
});
