import { complaintsOf, sentencesOf } from './prose.ts';

const rules = (path: string, text: string) => complaintsOf(path, text).map(({ rule }) => rule);
const lengths = (path: string, text: string) => sentencesOf(path, text).map(({ words }) => words);

describe('sentences', () => {
  it('are read from comments, over line breaks, and not from code', () => {
    const text =
      "const a = 'It stays here. Twice.';\n/**\n * Returns the id.\n * Throws if\n * it is gone.\n */\n// Why not?";
    expect(sentencesOf('a.ts', text).map(({ text: sentence }) => sentence)).toEqual([
      'Returns the id.',
      'Throws if it is gone.',
      'Why not?',
    ]);
  });

  it('are read from paragraphs, list items and table cells of documents, and not from code blocks', () => {
    const text =
      '# A title\n\nOne paragraph\nof two lines.\n\n- an item\n- another\n\n| a cell | more |\n|---|---|\n\n    npm test\n\n```\ncode here\n```\n';
    expect(sentencesOf('a.md', text).map(({ text: sentence }) => sentence)).toEqual([
      'One paragraph of two lines.',
      'an item',
      'another',
      'a cell',
      'more',
    ]);
  });

  it('end at a full stop, and not inside a version, a code span or an abbreviation', () => {
    expect(lengths('a.md', 'Use `a. B` from 1.2.3, e.g. Debian. Then stop.')).toEqual([6, 2]);
  });

  it('are read from the comments of Lua, protobuf and YAML', () => {
    expect(lengths('a.lua', '-- Two words.\nlocal a = 1')).toEqual([2]);
    expect(lengths('a.proto', '// Two words.\nstring id = 1; // and three more')).toEqual([2, 3]);
    expect(lengths('a.yaml', '# Two words.\nkey: value')).toEqual([2]);
  });
});

describe('the rules of language', () => {
  it('allow 45 words in a sentence, and not 46', () => {
    const sentence = (words: number) => `${Array.from({ length: words }, () => 'word').join(' ')}.`;
    expect(rules('a.md', sentence(45))).toEqual([]);
    expect(rules('a.md', sentence(46))).toEqual(['length']);
  });

  it.each([
    'What it has ended.',
    'Of a proxy no answer comes.',
    'One that is dead counts.',
    'Nothing where there is none.',
  ])('refuse the opener of: %s', (text) => {
    expect(rules('a.ts', `// ${text}`)).toEqual(['opener']);
  });

  it.each(['What is a drone?', 'One script decides.', 'The owner of one is known.'])('allow: %s', (text) => {
    expect(rules('a.ts', `// ${text}`)).toEqual([]);
  });

  it('refuse banned words in comments, titles and messages', () => {
    const banned = ['some', 'body'].join('');
    expect(rules('a.ts', `// A lock that ${banned} holds.`)).toEqual(['word']);
    expect(rules('a.test.ts', `it('waits for ${banned} else', () => {});`)).toEqual(['word']);
  });
});
