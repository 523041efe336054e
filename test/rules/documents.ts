/** The paths, symbols, variables and commands that documents name in code spans. Each has to exist. */
import type { Source } from './sources.ts';

const SPAN = /`([^`\n]+)`/g;
const PATH = /^[\w@.<>-]+(?:\/[\w@.<>*{},-]+)*\.(?:ts|mjs|js|lua|proto|md|ya?ml|json|hcl)$/;
const FOLDER = /^(?:libs|services|deploy|test|proto|docs)(?:\/[\w@.-]+)+\/?$/;
const SYMBOL = /^(?:[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*)(?:\(\))?$/;
const VARIABLE = /^SPAWNER_[A-Z0-9_]+(?:=.*)?$/;
const SCRIPT = /^npm run (?:-s )?([\w:-]+)/;

export interface Tree {
  /** From the root, with `/`. */
  paths: ReadonlySet<string>;
  code: string;
  scripts: ReadonlySet<string>;
}

export function treeOf(paths: Iterable<string>, sources: readonly Source[], scripts: Iterable<string>): Tree {
  return {
    paths: new Set(paths),
    code: sources.map(({ text }) => text).join('\n'),
    scripts: new Set(scripts),
  };
}

/** One line for each thing that a document names and the tree does not have. */
export function missingFrom(tree: Tree, document: Source): string[] {
  const spans = withoutFences(document.text).matchAll(SPAN);
  return [...spans].flatMap(([, span = '']) => {
    const what = kindOfMissing(tree, span.trim());
    return what ? [`${document.path} names ${what} that does not exist: ${span}`] : [];
  });
}

function kindOfMissing(tree: Tree, span: string): string | undefined {
  const script = SCRIPT.exec(span)?.[1];
  if (script !== undefined) return tree.scripts.has(script) ? undefined : 'a command';
  if (PATH.test(span)) return hasPath(tree, span) ? undefined : 'a file';
  if (FOLDER.test(span)) return hasFolder(tree, span.replace(/\/$/, '')) ? undefined : 'a folder';
  if (VARIABLE.test(span)) return hasVariable(tree, span.replace(/=.*/, '')) ? undefined : 'a variable';
  if (SYMBOL.test(span)) return hasWord(tree, span.replace('()', '')) ? undefined : 'a symbol';
  return undefined;
}

/** A path from the root, or the end of one. Placeholders and patterns match any name. */
function hasPath({ paths }: Tree, path: string): boolean {
  const pattern = path
    .split(/(<[^>]*>|\*\*?|\{[^}]*\})/)
    .map((part) => (/^[<*{]/.test(part) ? '[^/]+' : literal(part)))
    .join('');
  const end = new RegExp(`(?:^|/)${pattern}$`);
  return [...paths].some((each) => end.test(each));
}

function hasFolder({ paths }: Tree, folder: string): boolean {
  return [...paths].some((path) => path.startsWith(`${folder}/`));
}

function hasVariable(tree: Tree, name: string): boolean {
  // Services build names from a prefix, and a secret may be read from a file.
  const short = name
    .replace(/^SPAWNER_(?:AGENT|CERTIFICATES|DNS|GATEWAY|PROXY|SCHEDULER)_/, '')
    .replace(/_FILE$/, '');
  return tree.code.includes(name) || tree.code.includes(short);
}

function hasWord({ code }: Tree, word: string): boolean {
  return new RegExp(`\\b${word}\\b`).test(code);
}

/** The text as a pattern that matches only itself. */
export function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}
