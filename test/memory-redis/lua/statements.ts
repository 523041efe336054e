import type { Expression, FunctionNode, Identifier, Index, Member, Statement } from 'luaparse';
import { call, condition, expression, functionText, givesMany, values } from './expressions.ts';
import { NotSupported, type Scope } from './scope.ts';

/** JavaScript for a block, in the scope that is given. */
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
      return named(node, scope);
    case 'DoStatement':
      return `{\n${block(node.body, scope.block())}}`;
    case 'ReturnStatement':
      return `return ${returned(node.arguments, scope)};`;
    case 'BreakStatement':
      return 'break;';
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
    case 'RepeatStatement': {
      // The condition sees the body's own variables.
      const inside = scope.block();
      const body = block(node.body, inside);
      return `while (true) {\n${body}if (${condition(node.condition, inside)}) break;\n}`;
    }
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
  // What is on the right does not see the new names yet.
  if (variables.length === 1 && only && init.length <= 1) {
    const value = init[0] ? expression(init[0], scope) : 'undefined';
    return `let ${scope.declare(only.name)} = ${value};`;
  }
  const list = values(init, scope);
  const names = variables.map(({ name }) => scope.declare(name));
  return `let [${names.join(', ')}] = [${list}];`;
}

function assignment(
  variables: readonly (Identifier | Member | Index)[],
  init: readonly Expression[],
  scope: Scope,
): string {
  if (variables.length === 1 && init.length === 1) {
    const [target, value] = [variables[0] as Identifier, expression(init[0] as Expression, scope)];
    return `${store(target, value, scope)};`;
  }
  // All is evaluated before anything is assigned.
  const places = variables.map((target) => (target.type === 'Identifier' ? target : held(target, scope)));
  const before = places.flatMap((target) => ('text' in target ? [target.text] : []));
  const list = scope.temporary();
  const after = places.map((target, at) =>
    'text' in target
      ? `assign(${target.base}, ${target.key}, ${list}[${at}]);`
      : `${store(target, `${list}[${at}]`, scope)};`,
  );
  return [...before, `${list} = [${values(init, scope)}];`, ...after].join(' ');
}

/** A table's field whose table and key are kept before the assignment. */
function held(target: Member | Index, scope: Scope) {
  const [base, key] = [scope.temporary(), scope.temporary()];
  return {
    base,
    key,
    text: `${base} = ${expression(target.base, scope)}; ${key} = ${keyOf(target, scope)};`,
  };
}

function keyOf(target: Member | Index, scope: Scope): string {
  return target.type === 'IndexExpression'
    ? expression(target.index, scope)
    : JSON.stringify(target.identifier.name);
}

function store(target: Identifier | Member | Index, value: string, scope: Scope): string {
  if (target.type !== 'Identifier')
    return `assign(${expression(target.base, scope)}, ${keyOf(target, scope)}, ${value})`;
  const name = scope.local(target);
  // Redis refuses scripts that write globals.
  if (!name) throw new NotSupported(`writing the global ${target.name}`, target);
  return `${name} = ${value}`;
}

function named(node: FunctionNode, scope: Scope): string {
  const { identifier } = node;
  if (!identifier) throw new NotSupported('a function without a name as a statement', node);
  if (identifier.type === 'MemberExpression') {
    if (identifier.indexer === ':') throw new NotSupported('a method', node);
    return `${store(identifier, functionText(node, scope), scope)};`;
  }
  if (!node.isLocal) return `${store(identifier, functionText(node, scope), scope)};`;
  // A local function sees itself.
  const name = scope.declare(identifier.name);
  return `let ${name} = ${functionText(node, scope)};`;
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

function genericFor(node: Statement & { type: 'ForGenericStatement' }, scope: Scope): string {
  const [next, state, control, found] = [1, 2, 3, 4].map(() => scope.fresh());
  const inside = scope.block();
  const list = values(node.iterators, scope);
  const names = node.variables.map(({ name }) => inside.declare(name));
  const body = block(node.body, inside);
  return [
    `{ let [${next}, ${state}, ${control}] = [${list}];`,
    'while (true) {',
    `const ${found} = many(callable(${next})(${state}, ${control}));`,
    `if (${found}[0] === undefined) break;`,
    `${control} = ${found}[0];`,
    `let [${names.join(', ')}] = ${found};`,
    `${body}} }`,
  ].join('\n');
}
