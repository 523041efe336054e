import { InventoryEntry } from '@spawner/proto/internal/backend_status';
import { ConfigError } from '@spawner/service';
import { readConfig } from '../config.ts';
import { type Claimed, Claims, secretsIn } from './claims.ts';

const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)];
const digest = Buffer.alloc(32, 7);
const key = { namespace: 'rooms', name: 'seven', tag: 'v1' };
const placed: Claimed = { id: 'abc', drone: 'a', placement: 42, key, digest };

/** The line of an inventory that tells of a placement, with this claim. */
function lineOf(
  { id, placement, key: held, digest: of }: Claimed,
  claim: Buffer | undefined,
): InventoryEntry {
  return InventoryEntry.fromPartial({
    status: { id },
    spec: { digest: Buffer.from(of) },
    placement,
    key: held,
    claim,
  });
}

describe('a claim', () => {
  const claims = new Claims('test', [OLD]);
  const claim = claims.sign(placed);

  it('is good for the placement that it was signed for', () => {
    expect(claim).toHaveLength(32);
    expect(claims.accepts('a', lineOf(placed, claim))).toBe(true);
  });

  it.each<[string, Partial<Claimed>]>([
    ['another backend', { id: 'abd' }],
    ['another placement', { placement: 43 }],
    ['no key', { key: undefined }],
    ['a key of another name', { key: { ...key, name: 'eight' } }],
    ['a key of another namespace', { key: { ...key, namespace: 'room' } }],
    ['another tag', { key: { ...key, tag: 'v2' } }],
    ['another spec', { digest: Buffer.alloc(32, 8) }],
  ])('is not good for %s', (_, other) => {
    expect(claims.accepts('a', lineOf({ ...placed, ...other }, claim))).toBe(false);
  });

  it('is not good for another drone, in another cluster, or with another secret', () => {
    expect(claims.accepts('b', lineOf(placed, claim))).toBe(false);
    expect(new Claims('tes', [OLD]).accepts('a', lineOf(placed, claim))).toBe(false);
    expect(new Claims('test', [NEW]).accepts('a', lineOf(placed, claim))).toBe(false);
  });

  it('cannot be left out, cut short or made longer', () => {
    for (const wrong of [
      undefined,
      Buffer.alloc(0),
      claim?.subarray(1),
      Buffer.concat([claim!, Buffer.alloc(1)]),
    ])
      expect(claims.accepts('a', lineOf(placed, wrong))).toBe(false);
    expect(claims.accepts('a', { ...lineOf(placed, claim), spec: undefined })).toBe(false);
  });

  it('does not take the end of one word for the beginning of the next', () => {
    const moved = { ...placed, id: 'ab', drone: 'ca' };
    expect(claims.accepts('ca', lineOf(moved, claims.sign({ ...placed, id: 'abc', drone: 'a' })))).toBe(
      false,
    );
  });

  it('of the old secret is good while both are there, and new ones have the first', () => {
    const both = new Claims('test', [NEW, OLD]);
    expect(both.accepts('a', lineOf(placed, claim))).toBe(true);
    expect(both.sign(placed)).toEqual(new Claims('test', [NEW]).sign(placed));
  });

  it('is neither made nor asked for without a secret, and that is said', () => {
    const warn = jest.fn();
    const none = new Claims('test', []);
    none.announce({ warn });
    claims.announce({ warn });
    expect(none.sign(placed)).toBeUndefined();
    expect(none.accepts('a', lineOf(placed, undefined))).toBe(true);
    expect(warn.mock.calls).toEqual([[expect.stringContaining('SPAWNER_CLUSTER_SECRET is not set')]]);
  });
});

describe("the cluster's secrets", () => {
  it('stand between commas or ends of lines', () => {
    expect(secretsIn(' one,two\nthree\r\n\n')).toEqual(['one', 'two', 'three']);
  });

  it('are none, or each at least 32 bytes long', () => {
    expect(readConfig({}).clusterSecrets).toEqual([]);
    expect(readConfig({ SPAWNER_CLUSTER_SECRET: `${NEW},${OLD}` }).clusterSecrets).toEqual([NEW, OLD]);
    for (const short of ['short', `${NEW},${'o'.repeat(31)}`, ','])
      expect(() => readConfig({ SPAWNER_CLUSTER_SECRET: short })).toThrow(ConfigError);
  });
});
