import { confirmRoute } from './confirmation.ts';
import { keysOf } from './keys.ts';
import type { Redis, RedisReply } from './redis.ts';

const keys = keysOf('test');
const LOG = 7;

/** A store that has these texts by key and field; `routes` are ids. */
function storeOf(texts: Record<string, string>, routes: string[] = []): Redis {
  const get = (key: string, field: string): RedisReply => {
    const text = texts[`${key} ${field}`];
    return text === undefined ? null : Buffer.from(text);
  };
  return {
    ready: true,
    send: async ([command, key, ...fields]) => {
      const names = fields.map(String);
      if (command === 'HEXISTS') return routes.includes(names[0] ?? '') ? 1 : 0;
      if (command === 'HMGET') return names.map((name) => get(String(key), name));
      return get(String(key), names[0] ?? '');
    },
    duplicate: async () => storeOf(texts, routes),
    close: async () => {},
  };
}

const whole = {
  [`${keys.epoch} epoch`]: '5',
  [`${keys.epoch} until`]: '0',
  [`${keys.clock} now`]: '1000',
  [`${keys.routeHead} epoch`]: String(LOG),
};

describe('confirmRoute', () => {
  it('finds a route that the table lacks', async () => {
    expect(await confirmRoute(storeOf(whole, ['a']), keys, 'a', LOG)).toBe('known');
  });

  it('takes the word of a store that knows all of its nodes', async () => {
    expect(await confirmRoute(storeOf(whole), keys, 'a', LOG)).toBe('absent');
  });

  it.each([
    ['that was emptied', {}],
    ['in whose window nodes may be missing', { ...whole, [`${keys.epoch} until`]: '1001' }],
    ['that is another one than the table follows', { ...whole, [`${keys.routeHead} epoch`]: '8' }],
  ])('does not take the word of a store %s', async (_which, texts) => {
    expect(await confirmRoute(storeOf(texts), keys, 'a', LOG)).toBe('unsure');
  });

  it('is unsure where the store cannot be asked', async () => {
    const away = { ...storeOf(whole), send: () => Promise.reject(new Error('away')) };
    expect(await confirmRoute(away, keys, 'a', LOG)).toBe('unsure');
  });
});
