import type { IncomingHttpHeaders } from 'node:http';
import type { RouteTable } from '@spawner/store';
import { ANSWERS, type Answer, answerTo, handOver } from '../edge/replies.ts';
import type { Gate, Passage } from '../routing/router.ts';
import type { RequestHead } from '../transports/node/request-parser.ts';
import type { Visitor } from './token-check.ts';
import type { Visitors } from './token-sessions.ts';
import { credentialsOf, tokenCookie } from './token-sources.ts';

export interface DoorParts {
  gate: Gate;
  visitors: Visitors;
  routes: Pick<RouteTable, 'get'>;
}

export interface Asking {
  head: RequestHead;
  backendId: string;
  headers: IncomingHttpHeaders;
  upgrade: boolean;
  /** Whether the client's connection is by TLS, or stands for one. */
  secure: boolean;
}

/** Past the tokens, where the backend wants one, and through the gate. A request without a good one waits for nothing. */
export class Door {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** An answer of our own, or what the gate said and who comes. Never rejects; resolves as the gate does. */
  async enter(
    asking: Asking,
    signal: AbortSignal,
  ): Promise<Answer | { passage: Passage; visitor: Visitor | undefined }> {
    const { gate, visitors, routes } = this.#parts;
    const { head, backendId, headers, upgrade, secure } = asking;
    const { navigation } = head;
    const html = !upgrade && head.acceptsHtml;
    const credentials = credentialsOf({ ...head, headers, upgrade, secure });
    for (;;) {
      const route = routes.get(backendId);
      const admission = await visitors.admit({ backendId, route, credentials, navigation }, signal);
      if (admission.kind === 'refused') return ANSWERS.unauthorized(html);
      if (admission.kind === 'unsure') return answerTo(admission, html);
      if (admission.kind === 'misled') return ANSWERS.badRequest('its path would lead to another host', html);
      if (admission.kind === 'handover') {
        const { token, path, leftMs } = admission;
        return handOver(path, tokenCookie(token, secure, Math.ceil(leftMs / 1_000)));
      }
      const visitor = admission.kind === 'admitted' ? admission.visitor : undefined;
      const admitted = () => visitor !== undefined && visitors.isGood(backendId, visitor);
      const passage = await gate.pass({ ...head, backendId, admitted }, signal);
      // Its route came only now, and says that a token is wanted.
      const news = passage.kind === 'guarded' && route === undefined && routes.get(backendId) !== undefined;
      if (!news) return { passage, visitor };
    }
  }
}
