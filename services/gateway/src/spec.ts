import { refuseViolations, SPEC_DEFAULTS, specViolations, type Violation } from '@spawner/domain';
import { Access, BackendSpec, PullPolicy } from '@spawner/proto/v1/backend';

/** The spec with every default filled in. Throws `invalid` with every wrong field at once, those found before included. */
export function completeSpec(asked: BackendSpec | undefined, found: readonly Violation[] = []): BackendSpec {
  const spec = asked ?? BackendSpec.fromPartial({});
  refuseViolations([...specViolations(spec), ...choiceViolations(spec), ...found]);
  return {
    ...spec,
    pullPolicy: spec.pullPolicy || PullPolicy.IF_NOT_PRESENT,
    port: spec.port ?? SPEC_DEFAULTS.port,
    stopGraceMs: spec.stopGraceMs ?? SPEC_DEFAULTS.stopGraceMs,
    pullTimeoutMs: spec.pullTimeoutMs ?? SPEC_DEFAULTS.pullTimeoutMs,
    startupTimeoutMs: spec.startupTimeoutMs ?? SPEC_DEFAULTS.startupTimeoutMs,
    idleTimeoutMs: spec.idleTimeoutMs ?? SPEC_DEFAULTS.idleTimeoutMs,
    lifetimeLimitMs: spec.lifetimeLimitMs ?? SPEC_DEFAULTS.lifetimeLimitMs,
  };
}

/** Numbers that gRPC lets through and the contract does not name. */
function choiceViolations({ pullPolicy, access }: BackendSpec): Violation[] {
  const violations: Violation[] = [];
  if (!Object.values<number>(PullPolicy).includes(pullPolicy))
    violations.push({ field: 'spec.pull_policy', message: 'not a pull policy' });
  if (!Object.values<number>(Access).includes(access))
    violations.push({ field: 'spec.access', message: 'not a kind of access' });
  return violations;
}
