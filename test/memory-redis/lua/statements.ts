import type { Expression, FunctionNode, Identifier, Index, Member, Statement } from 'luaparse';
import { call, condition, expression, givesMany, values } from './expressions.ts';
import { NotSupported, type Scope } from './scope.ts';

/** JavaScript for a block, in the given scope. */
export function block(body: readonly Statement[], scope: Scope): string {
  return body.map((node) => `place.line = ${node.loc.start.line};\n${statement(node, scope)}\n`).join('');
}

function statement(node: Statement, scope: Scope): string {
  switch (node.type) {
    case 'LocalStatement':
      return local(node.variables, node.init, scope);
    case 'AssignmentStatement':
      return assignment(node.variables, node.init, scope);
    case 'CallStatement':
      return `${call(node.expression, scope)};`;
    case 'FunctionDeclaration':
      return localFunction(node, scope);
    case 'DoStatement':
      return `{\n${block(node.body, scope.block())}}`;
    case 'ReturnStatement':
      return `return ${returned(node.arguments, scope)};`;
    case 'IfStatement':
      return node.clauses
        .map((clause) => {
          const body = `{\n${block(clause.body, scope.block())}}`;
          if (clause.type === 'ElseClause') return body;
          return `if (${condition(clause.condition, scope)}) ${body}`;
        })
        .join(' else ');
    case 'WhileStatement':
      return `while (${condition(node.condition, scope)}) {\n${block(node.body, scope.block())}}`;
    case 'ForNumericStatement':
      return numericFor(node, scope);
    case 'ForGenericStatement':
      return genericFor(node, scope);
    default:
      throw new NotSupported((node as { type: string }).type, node);
  }
}

function local(variables: readonly Identifier[], init: readonly Expression[], scope: Scope): string {
  const [only] = variables;
  // The right side does not see the new names yet.
  if (variables.length === 1 && only && init.length <= 1) {
    const value = init[0] ? expression(init[0], scope) : 'undefined';
    return `let ${scope.declare(only.name)} = ${value};`;
  }
  const list = values(init, scope);
  const names = variables.map(({ name }) => scope.declare(name));
  return `let [${names.join(', ')}] = [${list}];`;
}

function assignment(
  [target, ...others]: readonly (Identifier | Member | Index)[],
  [init, ...more]: readonly Expression[],
  scope: Scope,
): string {
  if (!target || !init || others.length + more.length > 0)
    throw new NotSupported('an assignment of several values', target as Identifier);
  const value = expression(init, scope);
  if (target.type === 'IndexExpression')
    return `assign(${expression(target.base, scope)}, ${expression(target.index, scope)}, ${value});`;
  if (target.type !== 'Identifier') throw new NotSupported('a named field of a table', target);
  const name = scope.local(target);
  // Redis refuses scripts that write globals.
  if (!name) throw new NotSupported(`writing the global ${target.name}`, target);
  return `${name} = ${value};`;
}

/** `local function`, which sees itself. A function that ends without a return gives no value at all. */
function localFunction({ identifier, isLocal, parameters, body, loc }: FunctionNode, outer: Scope): string {
  const at = { loc };
  if (!isLocal || identifier?.type !== 'Identifier')
    throw new NotSupported('a function that is not local', at);
  const name = outer.declare(identifier.name);
  const scope = outer.function();
  const names = parameters.map((each) => {
    if (each.type !== 'Identifier') throw new NotSupported('a function of any number of arguments', at);
    return scope.declare(each.name);
  });
  const text = block(body, scope);
  const declared = scope.temporaries.length > 0 ? `let ${scope.temporaries.join(', ')};\n` : '';
  return `const ${name} = (${names.join(', ')}) => {\n${declared}${text}return NOTHING;\n};`;
}

function returned(list: readonly Expression[], scope: Scope): string {
  const [only] = list;
  if (list.length === 0) return 'NOTHING';
  if (list.length === 1 && only && !givesMany(only)) return expression(only, scope);
  return `[${values(list, scope)}]`;
}

function numericFor(node: Statement & { type: 'ForNumericStatement' }, scope: Scope): string {
  const [at, end, step] = [scope.fresh(), scope.fresh(), scope.fresh()];
  const given = node.step ? expression(node.step, scope) : '1';
  const head = [
    `let ${at} = loopNumber(${expression(node.start, scope)}, 'initial value')`,
    `${end} = loopNumber(${expression(node.end, scope)}, 'limit')`,
    `${step} = loopNumber(${given}, 'step')`,
  ].join(', ');
  const inside = scope.block();
  const name = inside.declare(node.variable.name);
  const body = `let ${name} = ${at};\n${block(node.body, inside)}`;
  return `for (${head}; ${step} > 0 ? ${at} <= ${end} : ${at} >= ${end}; ${at} += ${step}) {\n${body}}`;
}

/** `for index, value in ipairs(list)`: up to the first nil, which the body may move. */
function genericFor(node: Statement & { type: 'ForGenericStatement' }, scope: Scope): string {
  const [iterator] = node.iterators;
  const [index, value] = node.variables;
  const isIpairs =
    iterator?.type === 'CallExpression' &&
    iterator.base.type === 'Identifier' &&
    iterator.base.name === 'ipairs' &&
    node.iterators.length === 1 &&
    iterator.arguments.length === 1 &&
    node.variables.length === 2;
  if (!isIpairs || !index || !value) throw new NotSupported('a loop over anything but ipairs', node);
  const [list, at] = [scope.fresh(), scope.fresh()];
  const inside = scope.block();
  const of = expression(iterator.arguments[0] as Expression, scope);
  const names = [inside.declare(index.name), inside.declare(value.name)];
  return [
    `const ${list} = tableOf(${of}, 'ipairs');`,
    `for (let ${at} = 1; ${list}.get(${at}) !== undefined; ${at}++) {`,
    `let [${names.join(', ')}] = [${at}, ${list}.get(${at})];`,
    `${block(node.body, inside)}}`,
  ].join('\n');
}
