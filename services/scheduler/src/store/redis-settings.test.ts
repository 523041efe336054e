import { type RedisSettings, settingProblems } from './redis-settings.ts';

const good: RedisSettings = {
  maxMemory: 0,
  maxMemoryPolicy: 'noeviction',
  minReplicasToWrite: 0,
  minReplicasMaxLag: 10,
  replicas: 0,
};

describe('settingProblems', () => {
  it.each<[string, Partial<RedisSettings>]>([
    ['a Redis as it comes', {}],
    ['one that has a limit and refuses writes there', { maxMemory: 1e9 }],
    ['a policy that never comes to bear', { maxMemoryPolicy: 'allkeys-lru' }],
    ['replicas of which one must have what is acknowledged', { replicas: 2, minReplicasToWrite: 1 }],
  ])('has nothing against %s', (_, change) => {
    expect(settingProblems({ ...good, ...change })).toEqual([]);
  });

  it.each<[string, Partial<RedisSettings>, RegExp[]]>([
    ['eviction', { maxMemory: 1e9, maxMemoryPolicy: 'volatile-ttl' }, [/maxmemory-policy to noeviction/]],
    ['writes that no replica need have', { replicas: 1 }, [/min-replicas-to-write to 1/]],
    [
      'replicas that may lag for ever',
      { replicas: 1, minReplicasToWrite: 1, minReplicasMaxLag: 0 },
      [/min-replicas-max-lag to 1/],
    ],
    [
      'all of them at once',
      { maxMemory: 1, maxMemoryPolicy: 'allkeys-lru', replicas: 3, minReplicasMaxLag: 0 },
      [/maxmemory-policy/, /min-replicas-to-write/, /min-replicas-max-lag/],
    ],
  ])('names the setting to change for %s', (_, change, named) => {
    const problems = settingProblems({ ...good, ...change });
    expect(problems).toEqual(named.map((pattern) => expect.stringMatching(pattern)));
  });
});
