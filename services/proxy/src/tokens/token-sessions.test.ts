import { connectionTokenId } from '@spawner/domain';
import { Access } from '@spawner/proto/v1/backend';
import { type Confirmation, newRoute, type TokenRow, tokenRow } from '@spawner/store';
import { crankedClock } from '@spawner/testkit';
import { HoldQueue } from '../routing/hold-queue.ts';
import { TokenSessions } from './token-sessions.ts';

const ID = 'abcdefghijklmnopqrstuvwxyz';
const TOKEN = 'g'.repeat(43);
const TOKEN_ID = connectionTokenId(TOKEN);
const revoked: TokenRow = { kind: 'revokedToken', tokenId: TOKEN_ID, epoch: 2 };

function scene() {
  const clock = crankedClock();
  const rows = new Map<string, TokenRow>();
  const confirmed: string[] = [];
  const said = { of: 'absent' as Confirmation };
  const holds = new HoldQueue(clock, { heldPerBackend: 3, heldTotal: 3 });
  const routes = {
    token: (id: string) => rows.get(tokenRow(id)),
    confirm: async (row: string) => {
      confirmed.push(row);
      return said.of;
    },
  };
  const sessions = new TokenSessions({ routes, holds, clock });
  const become = (row: TokenRow | undefined) => {
    if (row) rows.set(tokenRow(TOKEN_ID), row);
    else rows.delete(tokenRow(TOKEN_ID));
    sessions.rowChanged(row);
  };
  const good = (): TokenRow => ({
    ...{ kind: 'tokenGrant', tokenId: TOKEN_ID, epoch: 1 },
    ...{ backendId: ID, user: 'ada', claims: '', expireMs: clock.wall().getTime() + 5_000 },
  });
  const ask = () =>
    sessions.check(
      {
        backendId: ID,
        route: newRoute({ access: Access.TOKEN }),
        credentials: { query: [], bearer: TOKEN, cookies: [], path: '/' },
        navigation: false,
      },
      new AbortController().signal,
    );
  return { clock, sessions, become, good, ask, said, confirmed, holds };
}

describe('TokenSessions', () => {
  it('lets a known token in without asking anybody, until its last millisecond', async () => {
    const { clock, become, good, ask, confirmed } = scene();
    become(good());
    expect(await ask()).toMatchObject({ kind: 'accepted', holder: { user: 'ada' } });
    await clock.advance(4_999);
    expect((await ask()).kind).toBe('accepted');
    await clock.advance(1);
    expect((await ask()).kind).toBe('refused');
    expect(confirmed).toEqual([]);
  });

  it('asks the store for a token without a row, and waits for the row if there is one', async () => {
    const { become, good, ask, said, confirmed, holds } = scene();
    expect((await ask()).kind).toBe('refused');
    expect(confirmed).toEqual([tokenRow(TOKEN_ID)]);
    said.of = 'known';
    const answer = ask();
    await Promise.resolve();
    await Promise.resolve();
    expect(holds.total).toBe(1);
    become(good());
    expect((await answer).kind).toBe('accepted');
  });

  it('waits half a second for the row and no longer, and calls no token wrong that the store has', async () => {
    const { clock, ask, said } = scene();
    said.of = 'known';
    const answer = ask();
    await clock.advance(500);
    expect(await answer).toEqual({ kind: 'unsure' });
  });

  it('calls no token wrong that the store has if there is no room to wait', async () => {
    const { ask, said, holds } = scene();
    said.of = 'known';
    const others = [1, 2, 3].map(() => holds.wait('another', 1_000, new AbortController().signal));
    expect(await ask()).toEqual({ kind: 'unsure' });
    holds.release('another');
    await Promise.all(others);
  });

  it('does not call a token wrong if the store cannot tell', async () => {
    const { ask, said } = scene();
    said.of = 'unsure';
    expect(await ask()).toEqual({ kind: 'unsure' });
  });

  it('cuts what is open with a token when it is revoked, once, and not what has closed or is of another', async () => {
    const { sessions, become, good } = scene();
    const cuts: string[] = [];
    const keep = (name: string, tokenId = TOKEN_ID) =>
      sessions.keep({ tokenId, user: '', claims: '', path: '/', byBearer: false }, () => cuts.push(name));
    become(good());
    const closes = keep('one');
    keep('two');
    keep('three', connectionTokenId('h'.repeat(43)));
    keep('gone')();
    become(revoked);
    expect(cuts).toEqual(['one', 'two']);
    closes();
    expect(
      sessions.isValid(ID, { tokenId: TOKEN_ID, user: '', claims: '', path: '/', byBearer: false }),
    ).toBe(false);
  });

  it('keeps open connections when a token expires', () => {
    const { sessions, become, good } = scene();
    let cuts = 0;
    become(good());
    sessions.keep({ tokenId: TOKEN_ID, user: '', claims: '', path: '/', byBearer: false }, () => cuts++);
    become(undefined);
    expect(cuts).toBe(0);
  });
});
