import { localFile } from '../claim/local-file.ts';
import { placeOf } from '../claim/place.ts';
import { addressesOf, constellationOf } from '../settings/environment.ts';
import { choosePorts } from '../settings/ports.ts';
import { announce } from './announce.ts';

const place = placeOf('/home/somebody/spawner');

async function local(env = {}) {
  const { ports } = await choosePorts({ SPAWNER_GATEWAY_HTTP_PORT: '8081' }, async () => true);
  const constellation = constellationOf(place, env, ports, {
    redisUrl: 'redis://127.0.0.1:1',
    natsUrl: 'nats://127.0.0.1:2',
    runtime: { kind: 'docker', socket: '/run/docker.sock' },
  });
  const addresses = addressesOf(constellation.bindAddress, ports);
  const pids = { redis: 11, gateway: 12, agent: 13 };
  return localFile({
    pid: 10,
    place,
    constellation,
    ports,
    addresses,
    demoImage: 'spawner/demo:latest',
    pids,
  });
}

describe('local.json', () => {
  it('has every address, pid and port', async () => {
    const file = await local();
    expect(file).toMatchObject({
      pid: 10,
      redisUrl: 'redis://127.0.0.1:1',
      natsUrl: 'nats://127.0.0.1:2',
      runtime: 'docker',
      dockerSocket: '/run/docker.sock',
      addresses: { api: 'http://127.0.0.1:8081', grpc: '127.0.0.1:50051' },
    });
    expect(file.services.gateway).toEqual({
      pid: 12,
      ports: { http: 8081, grpc: 50051, admin: 9101 },
      log: '/home/somebody/spawner/.spawner/logs/gateway.log',
    });
    expect(file.services.dns?.ports).toEqual({ main: 5300, grpc: 50054, admin: 9105 });
    expect(Object.keys(file.parts)).toEqual(['redis']);
  });
});

describe('the announcement', () => {
  it('has a command that spawns the demo', async () => {
    const text = announce({
      local: await local(),
      root: place.root,
      logs: place.logs,
      caFile: `${place.certificates}/ca.pem`,
      seconds: 3.21,
    });
    expect(text).toContain(
      `curl -s http://localhost:8081/v1/backends -H 'content-type: application/json' -d '{"spec":{"image":"spawner/demo:latest"}}'`,
    );
    expect(text).toContain('http://<id>.spawner.localhost:8000');
    expect(text).toContain('.spawner/certificates/ca.pem');
    expect(text).toContain('npm run -s load -- IMAGE');
    expect(text).toContain('apt-get install libnss-myhostname');
    expect(text).toContain("echo '127.0.0.1 <id>.spawner.localhost' >>/etc/hosts");
  });

  it('names the DNS server that answers for a domain of your own', async () => {
    const { root, logs } = place;
    const file = await local({ SPAWNER_CLUSTER_DOMAIN: 'spawner.test' });
    const text = announce({ local: file, root, logs, caFile: 'ca.pem', seconds: 1 });
    expect(text).toContain('Names below spawner.test are answered by the DNS server at 127.0.0.1:5300.');
    expect(text).not.toContain('/etc/hosts');
  });
});
