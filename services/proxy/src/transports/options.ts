import type { TrustedAddresses } from '../edge/trusted-addresses.ts';

/** The settings of both transports. */
export interface TransportOptions {
  clusterDomain: string;
  /** The most bytes of a head: the sum of its target, names and values. */
  maxHeaderBytes: number;
  /** How long a request's head may take. */
  headTimeoutMs: number;
  /** How long a body may pause. */
  bodyTimeoutMs: number;
  trust: TrustedAddresses;
}
