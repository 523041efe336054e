import { choosePorts, PORT_RULES } from './ports.ts';

const free = async () => true;

describe('the choice of ports', () => {
  it('takes the usual ports where they are free', async () => {
    const { ports, moved } = await choosePorts({}, free);
    expect(ports).toEqual(Object.fromEntries(PORT_RULES.map(({ variable, usual }) => [variable, usual])));
    expect(moved).toEqual([]);
  });

  it('takes another one, and says so, where the usual one is taken', async () => {
    const { ports, moved } = await choosePorts({}, async (port) => port !== 8080);
    expect(ports.SPAWNER_GATEWAY_HTTP_PORT).toBeGreaterThanOrEqual(15_000);
    expect(ports.SPAWNER_GATEWAY_HTTP_PORT).toBeLessThan(32_000);
    expect(moved).toEqual([
      `Port 8080 is taken: gateway HTTP API is on ${ports.SPAWNER_GATEWAY_HTTP_PORT} (SPAWNER_GATEWAY_HTTP_PORT moves it).`,
    ]);
  });

  it('leaves a usual port to the service that was given it', async () => {
    const { ports } = await choosePorts({ SPAWNER_PROXY_HTTP_PORT: '8080' }, free);
    expect(ports.SPAWNER_PROXY_HTTP_PORT).toBe(8080);
    expect(ports.SPAWNER_GATEWAY_HTTP_PORT).not.toBe(8080);
  });

  it('gives no port twice', async () => {
    let draws = 0;
    const random = () => (draws++ % 40 < 30 ? 0 : (draws % 100) / 100);
    const { ports } = await choosePorts({}, async (port) => port >= 15_000 && port < 32_000, random);
    expect(new Set(Object.values(ports)).size).toBe(PORT_RULES.length);
  });

  it('refuses what was set and cannot be had, all of it at once', async () => {
    const env = { SPAWNER_DNS_PORT: '53x', SPAWNER_AGENT_PORT: '70000', SPAWNER_SCHEDULER_PORT: '4000' };
    const error = await choosePorts(env, async (port) => port !== 4000).catch((thrown: Error) => thrown);
    expect(
      String(error)
        .match(/SPAWNER_\w+/g)
        ?.toSorted(),
    ).toEqual(['SPAWNER_AGENT_PORT', 'SPAWNER_DNS_PORT', 'SPAWNER_SCHEDULER_PORT']);
  });
});
