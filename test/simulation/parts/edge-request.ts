import { TOKEN_PARAMETER } from '@spawner/domain';
import { EdgePolicy, type PolicyParts } from '../../../services/proxy/src/edge/policy.ts';
import type { EdgeRequest, Forward } from '../../../services/proxy/src/edge/request.ts';
import type { RouteOutcome } from '../../../services/proxy/src/routing/router.ts';
import { HarnessError } from '../../memory-redis/errors.ts';

/** A connection token, and where a request brings it. */
export interface Credential {
  readonly token: string;
  readonly by: 'bearer' | 'query' | 'cookie';
}

/** A request of a user, before it is forwarded. */
export interface Asks {
  readonly backendId: string;
  readonly upgrade: boolean;
  readonly navigation: boolean;
  readonly credential: Credential | undefined;
  readonly signal: AbortSignal;
}

/** The decision of the edge's policy. `handed over`: the browser gets a cookie and comes again. */
export type EdgeOutcome =
  | Exclude<RouteOutcome, { kind: 'forward' }>
  | Forward
  | { readonly kind: 'handed over' };

type Deciding = Omit<PolicyParts, 'limits' | 'metrics' | 'complaints' | 'holds'>;

const UNLIMITED: PolicyParts['limits'] = { admit: () => 'admitted' };
const UNSAID = { metrics: { upstreamFailed: () => {} }, complaints: { complain: () => {} } };
/** No backend fails in the policy's hands: the transports are not part of the simulation. */
const NEVER_HELD: PolicyParts['holds'] = { wait: async () => 'full' };
const NO_PAGES = { endRedirectUrl: undefined, endPage: undefined, startAgainUrl: undefined };
const OPTIONS = { ...NO_PAGES, openPerBackend: 1_000, restartHoldMs: 0, redirectPort: () => undefined };

/** Lets the edge's policy decide, as a transport does. The outcome is the router's own unless a token decided. */
export async function outcomeOf(parts: Deciding, asks: Asks): Promise<EdgeOutcome> {
  const { router } = parts;
  let routed: RouteOutcome | undefined;
  const noting: Deciding['router'] = {
    routeNow: (id) => router.routeNow(id),
    route: async (id, options, signal) => {
      routed = await router.route(id, options, signal);
      return routed;
    },
  };
  const policy = new EdgePolicy(
    { ...parts, router: noting, limits: UNLIMITED, ...UNSAID, holds: NEVER_HELD },
    OPTIONS,
  );
  const request = requestOf(asks);
  const decision = policy.decideNow(request) ?? (await policy.decide(request, asks.signal));
  if (decision.kind === 'forward') return decision;
  const { outcome } = decision.reply;
  const byToken = BY_TOKEN[outcome];
  if (byToken) return byToken;
  if (!routed || routed.kind === 'forward')
    throw new HarnessError(`no part of the edge decided '${outcome}'`);
  return routed;
}

/** The replies that a token decides, by their names in the access log. */
const BY_TOKEN: Readonly<Record<string, EdgeOutcome>> = {
  unauthorized: { kind: 'token required' },
  unsure: { kind: 'unsure' },
  handed_over: { kind: 'handed over' },
};

function requestOf({ backendId, upgrade, navigation, credential }: Asks): EdgeRequest {
  const { token, by } = credential ?? {};
  const headers: Record<string, string | undefined> = {
    'sec-fetch-mode': navigation ? 'navigate' : 'cors',
    authorization: by === 'bearer' ? `Bearer ${token}` : undefined,
    cookie: by === 'cookie' ? `spawner-token=${token}` : undefined,
  };
  return {
    method: 'GET',
    host: `${backendId}.simulated`,
    backendId,
    path: by === 'query' ? `/?${TOKEN_PARAMETER}=${token}` : '/',
    protocol: 'HTTP/1.1',
    upgrade,
    peer: PEER,
    refusal: undefined,
    header: (name) => headers[name],
  };
}

const PEER: EdgeRequest['peer'] = {
  remoteAddress: '192.0.2.1',
  trusted: false,
  tls: false,
  connection: { once: () => {} },
};
