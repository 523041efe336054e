import { systemClock } from '@spawner/domain';
import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { implement, type RpcServer, serveRpc } from '@spawner/rpc';
import { createLog } from '@spawner/service';
import { freePort } from '@spawner/testkit';
import { DnsChallenges } from './dns-challenges.ts';

const log = createLog('test', 'silent');
const challenge = { name: '_acme-challenge.sessions.test', value: 'v' };
const propagation = async () => {};

describe('a challenge', () => {
  it('waits for a dns server that is just starting', async () => {
    const port = await freePort();
    const told: string[] = [];
    const service = implement(DnsServiceService, {
      setChallenge: async ({ value }) => {
        told.push(value);
        return {};
      },
      clearChallenge: async () => ({}),
    });
    let server: RpcServer | undefined;
    const clock = {
      ...systemClock,
      sleep: async (ms: number, signal?: AbortSignal) => {
        server ??= await serveRpc({ address: '127.0.0.1', port, log, services: [service] });
        await systemClock.sleep(ms, signal);
      },
    };
    const challenges = new DnsChallenges([`127.0.0.1:${port}`], propagation, clock, log);
    await challenges.publish([challenge], new AbortController().signal);
    expect(told).toEqual(['v']);
    challenges.close();
    await server?.close();
  });

  it('fails if no dns server starts', async () => {
    let now = 0;
    const clock = {
      ...systemClock,
      now: () => now,
      sleep: async (ms: number) => {
        now += ms * 10;
      },
    };
    const challenges = new DnsChallenges([`127.0.0.1:${await freePort()}`], propagation, clock, log);
    await expect(challenges.publish([challenge], new AbortController().signal)).rejects.toThrow(
      'no dns server accepted the challenge',
    );
    challenges.close();
  });
});
