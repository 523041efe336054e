import type { Mutations } from './mutations.ts';

const LUA = 'libs/store/src/lua';

/** Faults of the scripts and of the replica. */
export const STORE_MUTATIONS: Mutations = {
  'a script has an error in its syntax': {
    breaks: 'error',
    changes: [{ file: `${LUA}/settle.lua`, from: "return 'unknown' end", to: "return 'unknown' and" }],
  },
  'no drone is ever chosen': {
    breaks: 'availability',
    changes: [
      {
        file: `${LUA}/place.lua`,
        symbol: 'look',
        from: "return 'fits', wait, is_free, told",
        to: "return 'full'",
      },
    ],
  },
  'a placement is counted beside the queue although its drone has reported it': {
    breaks: 'reservations',
    changes: [
      {
        file: `${LUA}/report.lua`,
        from: 'if tonumber(v[3]) == 0 then reported_first(drone) end',
        to: '',
      },
    ],
  },
  'a placement sees no queue': {
    breaks: 'soonest-start',
    changes: [
      {
        file: `${LUA}/place.lua`,
        symbol: 'choose',
        from: 'if not is_later(wait, is_free, 0) then return drone, told end',
        to: 'if drone then return drone, told end',
      },
    ],
  },
  'ticks follow the clock alone, so that fences are not raised': {
    breaks: 'fence-order',
    changes: [
      {
        file: `${LUA}/library/clock.lua`,
        symbol: 'next_tick',
        from: "math.max(tonumber(redis.call('GET', TICK) or '0') + 1, now)",
        to: 'now',
      },
    ],
  },
  'keys are given away at the hard deadline of the agents': {
    breaks: 'one-holder',
    changes: [
      {
        file: 'libs/domain/src/deadlines.ts',
        from: 'leaseGiveAway: 45_000',
        to: 'leaseGiveAway: 30_000',
      },
    ],
  },
  'a store that lost everything gives keys at once': {
    breaks: 'one-holder',
    changes: [
      {
        file: `${LUA}/library/epoch.lua`,
        symbol: 'window_left',
        from: "return math.max(0, tonumber(redis.call('HGET', EPOCH, 'until') or '0') - cluster_now())",
        to: 'return 0',
      },
    ],
  },
  'a late report takes a record back': {
    breaks: 'record-order',
    changes: [
      {
        file: `${LUA}/report.lua`,
        from: "if state < tonumber(v[2]) or revision <= tonumber(v[3]) then return 'old' end",
        to: '',
      },
    ],
  },
  'an inventory is written back without its reservations': {
    breaks: 'reservations',
    changes: [
      {
        file: `${LUA}/restore.lua`,
        from: 'reserve(drone, cpu_millis, memory_bytes, 1)',
        to: '',
      },
    ],
  },
  'a backend that is written back is open to everyone': {
    breaks: 'tokens',
    changes: [{ file: `${LUA}/restore.lua`, from: 'keep_terms(id, access, pages)', to: '' }],
  },
  'a revocation is not announced to the proxies': {
    breaks: 'tokens',
    changes: [{ file: `${LUA}/revoke-tokens.lua`, from: 'put_row(ROW_TOKEN .. id, row)', to: '' }],
  },
  'a lost lease is no longer due before what ends with it has ended': {
    breaks: 'lease',
    changes: [{ file: `${LUA}/lapse.lua`, from: "if part == 'done' then", to: 'if true then' }],
  },
  'a registration counts although one that was sent later came before': {
    breaks: 'end-cause',
    changes: [
      {
        file: `${LUA}/register.lua`,
        from: "if before and tonumber(before) >= sequence then return { 'overtaken', before } end",
        to: '',
      },
    ],
  },
  'a replica skips a gap in its log': {
    breaks: 'replicas',
    changes: [
      {
        file: 'libs/store/src/replica.ts',
        symbol: 'apply',
        from: ' || at.n !== last.n + 1',
        to: '',
      },
    ],
  },
};
