import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Reply } from './http/reply.ts';

/** The page at `/`, in one piece, with the policy under which browsers run nothing but what is in it. */
export async function readPage(demoImage: string): Promise<Reply> {
  const read = (name: string) => readFile(new URL(`./page/${name}`, import.meta.url), 'utf8');
  const [html, style, script] = await Promise.all([read('page.html'), read('page.css'), read('page.js')]);
  const policy = [
    "default-src 'none'",
    `style-src '${hash(style)}'`,
    `script-src '${hash(script)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const headers = { 'content-security-policy': policy, 'referrer-policy': 'no-referrer' };
  const body = html
    .replace('<style></style>', () => `<style>${style}</style>`)
    .replace('<script></script>', () => `<script>${script}</script>`)
    .replace('"demo-image"', () => `"${escapeHtml(demoImage)}"`);
  return { kind: 'text', status: 200, type: 'text/html; charset=utf-8', body, headers };
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
