/**
 * The language rules of CONTRIBUTING.md as far as a program can check them: sentence length, openers and banned
 * words, in comments, documents, test titles and messages. `npm run prose -- PATH…` prints what breaks them.
 */
export interface Complaint {
  path: string;
  line: number;
  rule: 'length' | 'opener' | 'word';
  text: string;
}

export interface Sentence {
  line: number;
  text: string;
  words: number;
}

export const MOST_WORDS = 45;
export const LONG_WORDS = 30;
/** The share of sentences in a room that may be longer than `LONG_WORDS`. */
export const LONG_SHARE = 0.05;

const OPENER =
  /^(?:What|Who|Whoever|Of)\b|^One (?:of|that|which|who|whose|is|was|has|may|can|to|in|with|for|per)\b/;
const NOTHING = /\b(?:returns?|or|else) nothing\b|^Nothing (?:where|if|of|for|until|while)\b/;
const BANNED =
  /\b(?:somebody|nobody|anew|whoever|stands|(?:is|are|was|were) told|(?:go|goes|going|went) on|for good|hears? of|(?:is|are) waited for)\b/i;
const ABBREVIATION = /\b(?:e\.g|i\.e|etc|vs|cf|No)\.$/;

/** Every complaint about one file; length is complained of only above `MOST_WORDS`. */
export function complaintsOf(path: string, text: string): Complaint[] {
  const ofProse = sentencesOf(path, text).flatMap((sentence) => rulesBroken(path, sentence));
  return [...ofProse, ...literalsOf(path, text).flatMap((literal) => wordsBroken(path, literal))];
}

/** The sentences of a file's comments, or of a Markdown document. */
export function sentencesOf(path: string, text: string): Sentence[] {
  const paragraphs = path.endsWith('.md') ? paragraphsOfMarkdown(text) : paragraphsOfCode(path, text);
  return paragraphs.flatMap(({ line, text: paragraph }) =>
    split(plain(paragraph)).map((sentence) => ({ line, text: sentence, words: count(sentence) })),
  );
}

function rulesBroken(path: string, { line, text, words }: Sentence): Complaint[] {
  const broken: Complaint[] = [];
  const isQuestion = text.endsWith('?');
  if (words > MOST_WORDS) broken.push({ path, line, rule: 'length', text: `${words} words: ${text}` });
  if ((OPENER.test(text) && !isQuestion) || NOTHING.test(text))
    broken.push({ path, line, rule: 'opener', text });
  if (BANNED.test(text)) broken.push({ path, line, rule: 'word', text });
  return broken;
}

function wordsBroken(path: string, { line, text }: Paragraph): Complaint[] {
  return BANNED.test(text) ? [{ path, line, rule: 'word', text }] : [];
}

interface Paragraph {
  line: number;
  text: string;
}

/** Consecutive comment lines make a paragraph; an empty comment line or a list item begins another. */
function paragraphsOfCode(path: string, text: string): Paragraph[] {
  const marker = path.endsWith('.lua') ? '--' : /\.(?:ts|mjs|js|proto|css)$/.test(path) ? '//' : '#';
  const paragraphs: Paragraph[] = [];
  let open: Paragraph | undefined;
  let inBlock = false;
  const close = () => {
    if (open) paragraphs.push(open);
    open = undefined;
  };
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const begins = marker === '//' && !inBlock && /^\/\*/.test(line);
    const content = commentOn(line, marker, inBlock || begins);
    const isTrailing = !inBlock && !begins && !line.startsWith(marker);
    if (isTrailing) close();
    if (begins) {
      close();
      inBlock = true;
    }
    if (content === undefined || content === '') close();
    else if (/^(?:[-*•]|\d+[.)])\s/.test(content) || !open) {
      close();
      open = { line: index + 1, text: content.replace(/^(?:[-*•]|\d+[.)])\s+/, '') };
    } else open.text += ` ${content}`;
    if (isTrailing) close();
    if (inBlock && line.endsWith('*/')) {
      close();
      inBlock = false;
    }
  }
  close();
  return paragraphs;
}

function commentOn(line: string, marker: string, inBlock: boolean): string | undefined {
  if (inBlock)
    return line
      .replace(/^\/\*+\s?/, '')
      .replace(/\s*\*+\/$/, '')
      .replace(/^\*\s?/, '')
      .replace(/^@\w+\s+/, '')
      .trim();
  if (line.startsWith(marker) && !line.startsWith('#!'))
    return line
      .slice(marker.length)
      .replace(/^[-/!]+/, '')
      .trim();
  const trailing = marker === '#' ? undefined : new RegExp(`[;,{})\\]]\\s+${marker} (.*)$`).exec(line);
  return trailing?.[1];
}

/** Paragraphs, list items, table cells and quotes; code blocks and headings are left out. */
function paragraphsOfMarkdown(text: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let open: Paragraph | undefined;
  let fenced = false;
  const close = () => {
    if (open) paragraphs.push(open);
    open = undefined;
  };
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (/^(?:```|~~~)/.test(line)) {
      fenced = !fenced;
      close();
      continue;
    }
    if (fenced || line === '' || /^#/.test(line) || (/^ {4}/.test(raw) && !open)) {
      close();
      continue;
    }
    if (line.startsWith('|')) {
      close();
      for (const cell of line.split(/(?<!\\)\|/))
        if (/[a-z]/i.test(cell)) paragraphs.push({ line: index + 1, text: cell.trim() });
      continue;
    }
    const item = /^(?:[-*+]|\d+[.)]|>)\s+(.*)$/.exec(line)?.[1];
    if (item !== undefined) {
      close();
      open = { line: index + 1, text: item };
    } else if (open) open.text += ` ${line}`;
    else open = { line: index + 1, text: line };
  }
  close();
  return paragraphs;
}

/** Test titles and messages: string literals of several words. They are only held to the banned words. */
function literalsOf(path: string, text: string): Paragraph[] {
  if (!/\.(?:ts|mjs|js)$/.test(path)) return [];
  return text.split('\n').flatMap((line, index) =>
    /^\s*(?:\*|\/\/|\/\*)/.test(line)
      ? []
      : [...line.matchAll(/(['"`])((?:\\.|(?!\1).)*? (?:\\.|(?!\1).)*?)\1/g)].map((match) => ({
          line: index + 1,
          text: match[2]!,
        })),
  );
}

/** Code spans and links count as one word, emphasis as none. */
function plain(text: string): string {
  return text
    .replace(/`[^`]*`/g, 'CODE')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\{@link ([^}]*)\}/g, '$1')
    .replace(/<[^>\s]+>/g, 'CODE')
    .replace(/\*\*|__/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function split(paragraph: string): string[] {
  const sentences: string[] = [];
  for (const piece of paragraph.split(/(?<=[.!?]["')]?)\s+(?=["'(]?[A-Z0-9`])/)) {
    const last = sentences.at(-1);
    if (last !== undefined && ABBREVIATION.test(last)) sentences[sentences.length - 1] = `${last} ${piece}`;
    else if (piece !== '') sentences.push(piece);
  }
  return sentences;
}

function count(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}
