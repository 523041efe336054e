import type { TrustedAddresses } from '../edge/trusted-addresses.ts';

/** The settings of both transports. */
export interface TransportOptions {
  clusterDomain: string;
  /** The most bytes of a request's head: the sum of its target, names and values. */
  maxHeaderBytes: number;
  /** The most bytes of the head of a backend's answer, from its status line to the blank line. */
  maxAnswerHeaderBytes: number;
  /** How long a request's head may take. */
  headTimeoutMs: number;
  /** How long a body may pause. */
  bodyTimeoutMs: number;
  trust: TrustedAddresses;
}
