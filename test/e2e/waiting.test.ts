import {
  eventually,
  expectComplaint,
  freePort,
  request,
  startNats,
  startProgram,
  startRedis,
  tempDir,
} from '@spawner/testkit';
import { serviceEntry } from '../../deploy/local/settings/services.ts';
import { ROOT } from '../cluster/service-process.ts';

const start = (service: Parameters<typeof serviceEntry>[1], env: Record<string, string>) =>
  startProgram({ command: process.execPath, args: [serviceEntry(ROOT, service)], env, cwd: ROOT });

async function readiness(port: number): Promise<string[]> {
  const { body } = await request({ port, path: '/readyz' });
  return JSON.parse(body).waiting_for;
}

describe('a service that starts before what it needs', () => {
  it('waits for Redis, then for NATS, says so in its log and on /readyz, and continues when they come', async () => {
    await using redis = await startRedis();
    await using nats = await startNats();
    await redis.kill();
    await nats.kill();
    const adminPort = await freePort();
    await using scheduler = await start('scheduler', {
      SPAWNER_REDIS_URL: redis.url,
      SPAWNER_NATS_URL: nats.url,
      SPAWNER_SCHEDULER_PORT: String(await freePort()),
      SPAWNER_SCHEDULER_ADMIN_PORT: String(adminPort),
    });
    await eventually(async () => expect(await readiness(adminPort)).toEqual(['Redis']));
    expect((await request({ port: adminPort, path: '/healthz' })).status).toBe(200);
    await redis.start();
    await eventually(async () => expect(await readiness(adminPort)).toEqual(['NATS']));
    await nats.start();
    await eventually(async () => expect(await readiness(adminPort)).toEqual([]));
    await eventually(() =>
      expect(scheduler.output()).toMatch(
        /waiting for Redis[\s\S]*Redis is available[\s\S]*waiting for NATS[\s\S]*NATS is available/,
      ),
    );
  });

  it('an agent waits for the container engine of its configuration', async () => {
    const adminPort = await freePort();
    await using dir = await tempDir('agent');
    await using nats = await startNats();
    await using agent = await start('agent', {
      SPAWNER_NATS_URL: nats.url,
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: `${dir.path}/docker.sock`,
      SPAWNER_AGENT_STATE_DIR: dir.path,
      SPAWNER_AGENT_PORT: String(await freePort()),
      SPAWNER_AGENT_ADMIN_PORT: String(adminPort),
    });
    await eventually(async () => expect(await readiness(adminPort)).toContain('the docker runtime'));
    await eventually(() => expect(agent.output()).toContain('waiting for the docker runtime'));
  });
});

describe('a wrong configuration', () => {
  it.each(['gateway', 'scheduler', 'agent', 'proxy', 'dns', 'certificates'] as const)(
    'stops %s at once, with every problem in one message',
    async (service) => {
      expectComplaint(new RegExp(`${service}: configuration: `));
      const prefix = `SPAWNER_${service.toUpperCase()}_`;
      const program = await start(service, {
        SPAWNER_CLUSTER: 'Not Good',
        [`${prefix}ADMIN_PORT`]: '99999',
        [`${prefix}NONSENSE`]: '1',
      });
      expect((await program.exited).code).toBe(2);
      const fatal = program
        .output()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ level }) => level === 'fatal');
      expect(fatal).toHaveLength(1);
      for (const name of ['SPAWNER_CLUSTER ', `${prefix}ADMIN_PORT `, `${prefix}NONSENSE `])
        expect(fatal[0].msg).toContain(name);
    },
  );
});
