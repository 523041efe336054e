import type { Call, Expression, FunctionNode, Table } from 'luaparse';
import { LIBRARY } from './library.ts';
import { NotSupported, type Scope } from './scope.ts';
import { block } from './statements.ts';

const ARITHMETIC: Record<string, string> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '^': 'pow',
};

/** JavaScript that has one Lua value. */
export function expression(node: Expression, scope: Scope): string {
  switch (node.type) {
    case 'NilLiteral':
      return 'undefined';
    case 'BooleanLiteral':
    case 'NumericLiteral':
      return String(node.value);
    case 'StringLiteral':
      return JSON.stringify(node.value);
    case 'VarargLiteral':
      return `${varargs(node, scope)}[0]`;
    case 'Identifier':
    case 'MemberExpression':
    case 'IndexExpression':
      return variable(node, scope);
    case 'CallExpression':
    case 'TableCallExpression':
    case 'StringCallExpression':
      return isRedisCall(node, scope) ? call(node, scope) : `first(${call(node, scope)})`;
    case 'FunctionDeclaration':
      return functionText(node, scope);
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
      throw new NotSupported((node as { type: string }).type, node);
  }
}

/** JavaScript that is true where the Lua value is neither nil nor false. */
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

/** The inside of a JavaScript list with all values of a list of Lua expressions; `own` is the list's own bracket. */
export function values(nodes: readonly Expression[], scope: Scope, own: '' | '(' = ''): string {
  return nodes
    .map((node, at) => {
      const last = at === nodes.length - 1;
      const bracket = nodes.length === 1 ? own : '';
      if (!last || !givesMany(node) || isCut(node, bracket, scope)) return expression(node, scope);
      if (node.type === 'VarargLiteral') return `...${varargs(node, scope)}`;
      return isRedisCall(node as Call, scope)
        ? call(node as Call, scope)
        : `...many(${call(node as Call, scope)})`;
    })
    .join(', ');
}

/** Whether an expression may have any number of values. */
export function givesMany(node: Expression): boolean {
  return node.type.endsWith('CallExpression') || node.type === 'VarargLiteral';
}

/** Whether parentheses cut it to one value. They leave no node behind, so the text before it is looked at. */
function isCut({ range }: Expression, own: string, scope: Scope): boolean {
  const before = scope.source.slice(0, range[0]);
  return own === '(' ? /\(\s*\(\s*$/.test(before) : /\(\s*$/.test(before);
}

/** A call with all its values: JavaScript that has one value or a list. */
export function call(node: Call, scope: Scope): string {
  const given = argumentsOf(node);
  const own = node.type === 'CallExpression' ? '(' : '';
  if (isRedisCall(node, scope)) return redisCall(node, given, scope);
  if (node.base.type === 'MemberExpression' && node.base.indexer === ':') {
    const { base, identifier } = node.base;
    const method = scope.constant(`library[${JSON.stringify('method')}]`);
    const all = [expression(base, scope), JSON.stringify(identifier.name), values(given, scope)];
    return `${method}(${all.filter((part) => part !== '').join(', ')})`;
  }
  const name = libraryName(node.base, scope);
  const callee = name ? variable(node.base, scope) : `callable(${expression(node.base, scope)})`;
  return `${callee}(${values(given, scope, own)})`;
}

function argumentsOf(node: Call): Expression[] {
  if (node.type === 'CallExpression') return node.arguments;
  return [node.type === 'TableCallExpression' ? node.arguments : node.argument];
}

function isRedisCall({ base }: Call, scope: Scope): boolean {
  return ['redis.call', 'redis.pcall'].includes(globalName(base, scope) ?? '');
}

function redisCall({ base }: Call, [command, ...given]: Expression[], scope: Scope): string {
  if (!command || givesMany(command))
    throw new NotSupported('redis.call without the name of a command', base);
  const name = globalName(base, scope) === 'redis.call' ? 'call' : 'pcall';
  const found =
    command.type === 'StringLiteral'
      ? scope.constant(`commandOf(${JSON.stringify(command.value)})`)
      : `commandOf(text(${expression(command, scope)}))`;
  return `${name}(${found}, [${values(given, scope)}])`;
}

/** The name of a global, dots included, where an expression is one. */
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
  if (node.type === 'MemberExpression' && node.indexer === '.')
    return `index(${expression(node.base, scope)}, ${JSON.stringify(node.identifier.name)})`;
  throw new NotSupported(node.type, node);
}

function varargs(node: Expression, scope: Scope): string {
  if (!scope.varargs) throw new NotSupported('... outside of a function that has it', node);
  return 'varargs';
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

/** An operand of `..`; what is surely a string needs no look at it. */
function part(node: Expression, text: string): string {
  const sure = node.type === 'StringLiteral' || (node.type === 'BinaryExpression' && node.operator === '..');
  return sure ? text : `text(${text})`;
}

function table({ fields }: Table, scope: Scope): string {
  const list: Expression[] = [];
  const named: string[] = [];
  for (const field of fields) {
    if (field.type === 'TableValue') list.push(field.value);
    else {
      const key =
        field.type === 'TableKeyString' ? JSON.stringify(field.key.name) : expression(field.key, scope);
      named.push(key, expression(field.value, scope));
    }
  }
  // Only a constructor's very last field may give many values.
  const open = fields.at(-1)?.type === 'TableValue';
  const items = open ? values(list, scope) : list.map((item) => expression(item, scope)).join(', ');
  return `construct([${items}], [${named.join(', ')}])`;
}

/** A function. One that ends without a return gives no value at all. */
export function functionText({ parameters, body }: FunctionNode, outer: Scope): string {
  const open = parameters.at(-1)?.type === 'VarargLiteral';
  const scope = outer.function(open);
  const names = parameters.map((each) =>
    each.type === 'Identifier' ? scope.declare(each.name) : '...varargs',
  );
  const text = block(body, scope);
  const declared = scope.temporaries.length > 0 ? `let ${scope.temporaries.join(', ')};\n` : '';
  return `((${names.join(', ')}) => {\n${declared}${text}return NOTHING;\n})`;
}
