import type { Call, Expression, Table } from 'luaparse';
import { LIBRARY } from './library.ts';
import { NotSupported, type Scope } from './scope.ts';

const ARITHMETIC: Record<string, string> = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div', '%': 'mod' };

/** JavaScript for one Lua value. */
export function expression(node: Expression, scope: Scope): string {
  switch (node.type) {
    case 'NilLiteral':
      return 'undefined';
    case 'BooleanLiteral':
    case 'NumericLiteral':
      return String(node.value);
    case 'StringLiteral':
      return JSON.stringify(node.value);
    case 'Identifier':
    case 'MemberExpression':
    case 'IndexExpression':
      return variable(node, scope);
    case 'CallExpression':
      return isRedisCall(node, scope) ? call(node, scope) : `first(${call(node, scope)})`;
    case 'TableConstructorExpression':
      return table(node, scope);
    case 'LogicalExpression': {
      const kept = scope.temporary();
      const [left, right] = [expression(node.left, scope), expression(node.right, scope)];
      const test = `truthy(${kept} = ${left})`;
      return node.operator === 'and' ? `(${test} ? ${right} : ${kept})` : `(${test} ? ${kept} : ${right})`;
    }
    case 'UnaryExpression':
      if (node.operator === 'not') return condition(node, scope);
      return `${node.operator === '#' ? 'length' : 'minus'}(${expression(node.argument, scope)})`;
    case 'BinaryExpression':
      return binary(node, scope);
    default:
      throw new NotSupported(node.type, node);
  }
}

/** JavaScript that is true if the Lua value is neither nil nor false. */
export function condition(node: Expression, scope: Scope): string {
  if (node.type === 'LogicalExpression') {
    const operator = node.operator === 'and' ? '&&' : '||';
    return `(${condition(node.left, scope)} ${operator} ${condition(node.right, scope)})`;
  }
  if (node.type === 'UnaryExpression' && node.operator === 'not')
    return `!${condition(node.argument, scope)}`;
  if (node.type === 'BinaryExpression' && /^[<>~=]/.test(node.operator)) return binary(node, scope);
  return `truthy(${expression(node, scope)})`;
}

/** The inside of a JavaScript list with all values of a list of Lua expressions: the last may give several. */
export function values(nodes: readonly Expression[], scope: Scope): string {
  return nodes
    .map((node, at) => {
      if (at < nodes.length - 1 || !givesMany(node) || isRedisCall(node as Call, scope))
        return expression(node, scope);
      if (isInParentheses(node, scope)) throw new NotSupported('a call in parentheses', node);
      return `...many(${call(node as Call, scope)})`;
    })
    .join(', ');
}

/** Whether an expression may have any number of values. */
export function givesMany(node: Expression): boolean {
  return node.type === 'CallExpression';
}

/** Parentheses cut a call to one value, but leave no node behind, so the text before it is looked at. */
function isInParentheses({ range }: Expression, scope: Scope): boolean {
  return /(?:^|[^\w\s)\]])\s*\(\s*$|\breturn\s*\(\s*$/.test(scope.source.slice(0, range[0]));
}

/** A call with all its values: JavaScript for one value or a list. */
export function call(node: Call, scope: Scope): string {
  if (node.type !== 'CallExpression') throw new NotSupported(node.type, node);
  if (isRedisCall(node, scope)) return redisCall(node.arguments, node, scope);
  const isLibrary = libraryName(node.base, scope) !== undefined;
  const callee = isLibrary ? variable(node.base, scope) : `callable(${expression(node.base, scope)})`;
  return `${callee}(${values(node.arguments, scope)})`;
}

function isRedisCall({ base }: Call, scope: Scope): boolean {
  return globalName(base, scope) === 'redis.call';
}

function redisCall([command, ...given]: Expression[], node: Expression, scope: Scope): string {
  if (command?.type !== 'StringLiteral') throw new NotSupported('redis.call without a fixed command', node);
  return `call(${scope.constant(`commandOf(${JSON.stringify(command.value)})`)}, [${values(given, scope)}])`;
}

/** The name of a global, dots included. Returns undefined for any other expression. */
function globalName(node: Expression, scope: Scope): string | undefined {
  if (node.type === 'Identifier') return scope.local(node) ? undefined : node.name;
  if (node.type !== 'MemberExpression' || node.indexer !== '.') return undefined;
  const base = globalName(node.base, scope);
  return base && `${base}.${node.identifier.name}`;
}

function libraryName(node: Expression, scope: Scope): string | undefined {
  const name = globalName(node, scope);
  return name && Object.hasOwn(LIBRARY, name) ? name : undefined;
}

function variable(node: Expression, scope: Scope): string {
  const name = globalName(node, scope);
  if (name) {
    if (!Object.hasOwn(LIBRARY, name)) throw new NotSupported(`the global ${name}`, node);
    return scope.constant(`library[${JSON.stringify(name)}]`);
  }
  if (node.type === 'Identifier') return scope.local(node) as string;
  if (node.type === 'IndexExpression')
    return `index(${expression(node.base, scope)}, ${expression(node.index, scope)})`;
  throw new NotSupported('a named field of a table', node);
}

function binary(node: Expression & { type: 'BinaryExpression' }, scope: Scope): string {
  const [left, right] = [expression(node.left, scope), expression(node.right, scope)];
  switch (node.operator) {
    case '==':
      return `(${left} === ${right})`;
    case '~=':
      return `(${left} !== ${right})`;
    case '<':
      return `less(${left}, ${right})`;
    case '<=':
      return `lessOrEqual(${left}, ${right})`;
    case '>':
      return `greater(${left}, ${right})`;
    case '>=':
      return `greaterOrEqual(${left}, ${right})`;
    case '..':
      return `(${part(node.left, left)} + ${part(node.right, right)})`;
  }
  const name = ARITHMETIC[node.operator];
  if (!name) throw new NotSupported(`the operator ${node.operator}`, node);
  return `${name}(${left}, ${right})`;
}

/** An operand of `..`. A certain string needs no check. */
function part(node: Expression, text: string): string {
  const isString =
    node.type === 'StringLiteral' || (node.type === 'BinaryExpression' && node.operator === '..');
  return isString ? text : `text(${text})`;
}

function table({ fields }: Table, scope: Scope): string {
  const list = fields.map((field) => {
    if (field.type !== 'TableValue') throw new NotSupported('a table with keys', field.value);
    return field.value;
  });
  return `LuaTable.of([${values(list, scope)}])`;
}
