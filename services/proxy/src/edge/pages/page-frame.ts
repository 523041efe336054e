/**
 * The frame of the pages that the edge shows to browsers: each is one file that needs no other, readable without scripts. They
 * are for end users, so they have plain words and no code names. They contain nothing that a client or a program has sent.
 */
const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;margin:20vh auto;max-width:32rem;padding:0 1.5rem;color:#222;background:#fafafa}' +
  'h1{font-size:1.25rem}p{color:#666}@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}p{color:#aaa}a{color:#9cf}}';

/** The parts of a page, as HTML. The heading is also the title. */
export interface PageParts {
  readonly heading: string;
  readonly body: string;
  readonly head?: string;
}

export function pageFrame({ heading, body, head = '' }: PageParts): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${heading}</title>` +
    `<meta name="viewport" content="width=device-width">${head}<style>${STYLE}</style></head>` +
    `<body><main><h1>${heading}</h1>${body}</main></body></html>\n`
  );
}

/** A paragraph; empty for an empty text. */
export function paragraph(text: string): string {
  return text === '' ? '' : `<p>${text}</p>`;
}

/** A text as HTML, in an attribute too. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
