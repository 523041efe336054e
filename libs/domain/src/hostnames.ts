import { type BackendId, isBackendId } from './ids.ts';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The host name of a backend: `<id>.<cluster domain>`. */
export function backendHostname(id: string, clusterDomain: string): string {
  return `${id}.${clusterDomain}`;
}

/** A host name in lower case, without port and final dot. Accepts any `Host` header value. */
export function normalizeHost(host: string): string {
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

/** The backend that a Host header or a DNS name means. Returns undefined if the name is not one of the cluster's. */
export function backendIdOfHost(host: string, clusterDomain: string): BackendId | undefined {
  const name = normalizeHost(host);
  const label = name.slice(0, -(clusterDomain.length + 1));
  return name === `${label}.${clusterDomain}` && isBackendId(label) ? label : undefined;
}

/**
 * Whether the text is a domain name in lower case (RFC 1123: letters, digits and hyphens; labels of at most 63 characters). It
 * is short enough to be a cluster's domain: a backend's label and a dot still fit before it.
 */
export function isDomain(text: string): boolean {
  return text.length <= 190 && text.split('.').every((label) => LABEL.test(label));
}
