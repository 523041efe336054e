import { hash } from 'node:crypto';

/**
 * The name of a backend's key in Redis: SHA-256, in base64url, over the UTF-8 of namespace and name, each
 * behind its length. No text of a user's is part of a Redis key, and no two keys look alike.
 */
export function keyHash({ namespace, name }: { namespace: string; name: string }): string {
  const parts = [namespace, name].flatMap((part) => {
    const bytes = Buffer.from(part, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return hash('sha256', Buffer.concat(parts), 'base64url');
}
