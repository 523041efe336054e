import {
  claimsHeader,
  connectionTokenId,
  looksLikeToken,
  newConnectionToken,
  refuseViolations,
  TOKEN_LIFE,
  tokenViolations,
  userViolations,
  type Violation,
} from '@spawner/domain';
import type { RevokeConnectionTokensRequest } from '@spawner/proto/v1/backend_service';
import type { BackendMethods } from './public-api.ts';
import { namedBy } from './requests.ts';
import type { Scheduler } from './scheduler.ts';
import { guestUrl, type UrlShape } from './urls.ts';

export interface TokensParts {
  scheduler: Pick<Scheduler, 'createConnectionToken' | 'revokeConnectionTokens'>;
  randomBytes: (count: number) => Uint8Array;
  urls: UrlShape;
}

/** Connection tokens. A token is made here and returned to the caller alone; the scheduler gets its id. */
export function tokenMethods({
  scheduler,
  randomBytes,
  urls,
}: TokensParts): Pick<BackendMethods, 'createConnectionToken' | 'revokeConnectionTokens'> {
  return {
    async createConnectionToken(request, { signal }) {
      const { user, claims, ttlMs = TOKEN_LIFE.default } = request;
      const named = namedBy(request);
      refuseViolations(tokenViolations({ user, claims, ttlMs }));
      const token = newConnectionToken(randomBytes);
      const tokenId = connectionTokenId(token);
      const grant = { ...named, tokenId, user, claims: claimsHeader(claims), ttlMs };
      const { backendId, expireTime } = await scheduler.createConnectionToken(grant, { signal });
      return { token, url: guestUrl(backendId, token, urls), expireTime, tokenId };
    },
    async revokeConnectionTokens(request, { signal }) {
      const { id, key, user, token } = request;
      refuseViolations(selectionViolations(request));
      const named = id === '' && !key ? { id } : namedBy({ id, key });
      const tokenId = token === '' ? request.tokenId : connectionTokenId(token);
      return scheduler.revokeConnectionTokens({ ...named, tokenId, user }, { signal });
    },
  };
}

/** A request must select tokens in exactly one way, so that no more are revoked than intended. */
function selectionViolations(request: RevokeConnectionTokensRequest): Violation[] {
  const { id, key, user, token, tokenId } = request;
  const violations: Violation[] = [];
  const wrong = (field: string, message: string) => violations.push({ field, message });
  if (token !== '' && tokenId !== '') wrong('token', 'either token or token_id, not both');
  if (token !== '' && !looksLikeToken(token)) wrong('token', 'not a token');
  if (tokenId !== '' && !looksLikeToken(tokenId)) wrong('token_id', 'not the id of a token');
  const one = token !== '' || tokenId !== '';
  if (user !== undefined && one) wrong('user', 'either a user or one token, not both');
  if (user !== undefined) violations.push(...userViolations(user));
  if (!one && id === '' && !key) wrong('id', 'is required, or key, token_id or token');
  return violations;
}
