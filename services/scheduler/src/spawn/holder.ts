import { AppError } from '@spawner/domain';
import { ReusePolicy } from '@spawner/proto/v1/backend_service';
import type { BackendRecord } from '../store/record.ts';

/**
 * Whether the living holder of a key is what a caller may be given. Tag and spec of a backend never
 * change, so the answer holds however old the record is. Both throw `failed_precondition`.
 */
export function refuseOtherTag(holder: BackendRecord, tag: string): void {
  const present = holder.key?.tag ?? '';
  if (present === tag) return;
  const named = present === '' ? 'without a tag' : `with the tag ${JSON.stringify(present)}`;
  throw new AppError('failed_precondition', `the key is held ${named}`);
}

export function refuseOtherSpec(holder: BackendRecord, policy: ReusePolicy, digest: Uint8Array): void {
  if (policy !== ReusePolicy.REQUIRE_SAME_SPEC) return;
  if (Buffer.compare(holder.summary.digest, digest) === 0) return;
  throw new AppError(
    'failed_precondition',
    `the key is held by backend ${holder.id}, which has another spec`,
  );
}
