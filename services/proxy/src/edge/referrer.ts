/**
 * The name of a PUBLIC backend is all that protects it, and a browser tells it to every third party from which a page loads a
 * font or an image. So pages and style sheets get this policy, unless the backend has one of its own (Referrer Policy §3.2).
 */
export const REFERRER_POLICY = 'same-origin';

/** Documents and style sheets, whose requests name them as their referrer. */
const REFERRERS = /^(?:text\/html|text\/css|application\/xhtml\+xml|image\/svg\+xml)\s*(?:;|$)/i;

/** Whether a response gets the policy, by its `Content-Type` and whether it has a `Referrer-Policy`. */
export function lacksReferrerPolicy(contentType: string | undefined, hasPolicy: boolean): boolean {
  return !hasPolicy && contentType !== undefined && REFERRERS.test(contentType);
}
