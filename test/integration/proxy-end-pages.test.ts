import { RouteState } from '@spawner/proto/internal/route';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually } from '@spawner/testkit';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };

let world: ProxyWorld;

beforeAll(async () => {
  world = await startProxyWorld({
    SPAWNER_PROXY_END_PAGE: '<h1>Good bye</h1><p>{reason} {state}</p><a href="{start_again_url}">again</a>',
    SPAWNER_PROXY_START_AGAIN_URL: 'https://app.test/new',
  });
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** The host of a session that is in this state and has these pages, once the proxy knows it. */
async function ended(state: BackendState, redirectUrl = ''): Promise<{ id: string; host: string }> {
  const { id, host } = world.name();
  await world.route(id, {
    ...{ state: RouteState.ENDED, backendState: state, endReason: EndReason.LIFETIME },
    pages: { redirectUrl, startAgainUrl: '' },
  });
  await eventually(async () => expect((await world.get(host)).status).toBe(410));
  return { id, host };
}

describe('the pages of an application for the end of its sessions', () => {
  it.each([
    [BackendState.TERMINATING, 'TERMINATING'],
    [BackendState.TERMINATED, 'TERMINATED'],
  ])(
    'at its own address get the navigations to a session in state %i, and no program',
    async (state, name) => {
      const { id, host } = await ended(state, 'https://app.test/over?a=1');
      const { status, headers } = await world.get(host, '/', NAVIGATION);
      expect([status, headers.location]).toEqual([
        303,
        `https://app.test/over?a=1&reason=LIFETIME&state=${name}&id=${id}`,
      ]);
      const program = await world.get(host);
      expect([program.status, JSON.parse(program.body).reason]).toEqual([410, 'LIFETIME']);
    },
  );

  it('in a template of the cluster have the codes and the link', async () => {
    const { host } = await ended(BackendState.TERMINATED);
    const { status, body } = await world.get(host, '/', NAVIGATION);
    expect(status).toBe(410);
    expect(body).toBe('<h1>Good bye</h1><p>LIFETIME TERMINATED</p><a href="https://app.test/new">again</a>');
  });
});
