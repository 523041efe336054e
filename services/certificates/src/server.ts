import { CertificatesServiceService } from '@spawner/proto/internal/certificates_service';
import { type Implementation, implement } from '@spawner/rpc';
import type { Keeper } from './keeper.ts';

/** spawner.internal.v1.CertificatesService. Streams end when their caller leaves or `closing` aborts. */
export function certificatesService(keeper: Keeper, closing: AbortSignal): Implementation {
  return implement(CertificatesServiceService, {
    watchCertificates: async function* (_request, { signal }) {
      for await (const certificate of keeper.follow(AbortSignal.any([signal, closing])))
        yield { certificate };
    },
  });
}
