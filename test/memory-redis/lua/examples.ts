/**
 * Lua in one line, and the answer of Redis: texts in latin1, false for nil, `{ error }` for an error. The unit test holds the
 * compiler to them, the integration test Redis.
 */
export type Answer = string | number | false | { error: string } | Answer[];

const LANGUAGE: [source: string, answer: Answer][] = [
  ['return nil', false],
  ['local a return a', false],
  ['', false],
  ['return 0 and "zero is true"', 'zero is true'],
  ['return "" and "the empty string is true"', 'the empty string is true'],
  ['return false or nil', false],
  ['return nil and 1 or 2', 2],
  ['return not nil', 1],
  ['return not 0', false],
  ['return 1 == "1"', false],
  ['return 1 ~= 2', 1],
  ['return { 1 < 2, 2 <= 2, 2 > 3, "a" < "b", "B" < "a", "10" < "9" }', [1, 1, false, 1, 1, 1]],
  ['return { 7 % 3, -7 % 3, 7 % -3, 5.5 % 2 * 10, 7 / 2 * 2 }', [1, 2, -2, 15, 7]],
  ['return "10" + 5', 15],
  ['return -"3"', -3],
  ['return { tonumber("1fa", 16), tonumber("FF", 16) }', [506, 255]],
  ['return 1 .. 2', '12'],
  ['return "a" .. 1.5 .. -0.25', 'a1.5-0.25'],
  ['return 1e15 .. ""', '1e+15'],
  ['return 9007199254740992 .. ""', '9.007199254741e+15'],
  ['return 123456789012345 .. ""', '1.2345678901234e+14'],
  ['return 99999999999999 .. ""', '99999999999999'],
  ['return 0.1 + 0.2 .. ""', '0.3'],
  ['return 1 / 3 .. ""', '0.33333333333333'],
  ['return 1e-5 .. " " .. 0.0001', '1e-05 0.0001'],
  ['return 1e100 .. " " .. 1 / 0 .. " " .. -1 / 0', '1e+100 inf -inf'],
  ['return 3.99', 3],
  ['return -3.99', -3],
  ['return { 1, { 2, { "x" } }, {} }', [1, [2, ['x']], []]],
  ['return 1, 2', 1],
  ['local a, b, c = 1, 2 return { a, b, c == nil }', [1, 2, 1]],
  ['local x = 1 do local x = 2 end return x', 1],
  ['local x = 1 local x = x + 1 return x', 2],
  ['local function f(n) if n < 2 then return 1 end return n * f(n - 1) end return f(10)', 3628800],
  ['local function f() return 1, 2, 3 end return { f(), f() }', [1, 1, 2, 3]],
  ['local function f() return 1, 2, 3 end local _, b = f() return b', 2],
  ['local function f() end local a = f() return a == nil', 1],
  ['local s = 0 for i = 1, 3 do s = s + i end return s', 6],
  ['local s = "" for i = 3, 1, -1 do s = s .. i end return s', '321'],
  ['local s = 0 for i = 1, 0 do s = 1 end return s', 0],
  ['local s = "" for i = 0.5, 2 do s = s .. i .. "," end return s', '0.5,1.5,'],
  ['local n = 0 while n < 5 do n = n + 2 end return n', 6],
  ['local s = "" for i, v in ipairs({ "a", "b" }) do s = s .. i .. v end return s', '1a2b'],
  ['if nil then return 1 elseif 0 then return 2 else return 3 end', 2],
  ['return #"four"', 4],
  ['local t = { 1, 2, 3 } t[#t + 1] = 4 t[1] = 9 return t', [9, 2, 3, 4]],
  ['return { #KEYS, KEYS[1], #ARGV, ARGV[2], ARGV[9] == nil }', [1, 'key', 2, 'second', 1]],
];

const LIBRARIES: [source: string, answer: Answer][] = [
  ['return { tonumber("12"), tonumber(" 12 "), tonumber("1e3"), tonumber("-5") }', [12, 12, 1000, -5]],
  [
    'return { tonumber("") == nil, tonumber("x") == nil, tonumber("1 2") == nil, tonumber(false) == nil }',
    [1, 1, 1, 1],
  ],
  [
    'return { string.format("%.0f", 9007199254740991), string.format("%.0f", -1), string.format("%.0f", 1e20) }',
    ['9007199254740991', '-1', '100000000000000000000'],
  ],
  [
    'return { string.format("%.0f", 0.5), string.format("%.0f", 1.5), string.format("%.0f", 2.5), string.format("%.0f", 12.5), string.format("%.0f", -0.4) }',
    ['0', '2', '2', '12', '-0'],
  ],
  ['return string.char(72, 105, 0, 255)', 'Hi\0\xff'],
  ["return '\\008\\255a'", '\x08\xffa'],
  [
    'return { string.sub("hello", 2), string.sub("hello", -3), string.sub("hello", 2, 3), string.sub("hello", 0), string.sub("hello", 4, 2), string.sub("hello", -99, 2) }',
    ['ello', 'llo', 'el', 'hello', '', 'he'],
  ],
  ['return { string.find("a.b.c", ".", 1, true) }', [2, 2]],
  ['return { string.find("a.b.c", ".", 3, true) }', [4, 4]],
  ['return { string.find("hello", "x", 1, true) == nil, string.find("a", "a", 9, true) == nil }', [1, 1]],
  ['return table.concat({ 1, "b", 2.5 }, ", ")', '1, b, 2.5'],
  ['return table.concat({})', ''],
  ['return { math.floor(-1.5), math.max(1, 9, 3), math.min(4, 2) }', [-2, 9, 2]],
];

const RAISED = / script: [0-9a-f]{40}, on @user_script:\d+\.$/;
/** An error that a script raised, without the digest that Redis adds. */
export const withoutPlace = (message: string) => message.replace(RAISED, '');

const ERRORS: [source: string, answer: Answer][] = [
  ['return 1 < "2"', { error: 'ERR user_script:1: attempt to compare number with string' }],
  ['return {} < {}', { error: 'ERR user_script:1: attempt to compare two table values' }],
  ['return redis.error_reply("EPOCH 7 8")', { error: 'EPOCH 7 8' }],
  [
    'return redis.call("HGET", KEYS[1])',
    { error: 'ERR Wrong number of args calling Redis command from script' },
  ],
  [
    'redis.call("SET", KEYS[1], "text") return redis.call("HGET", KEYS[1], "x")',
    { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' },
  ],
  ['redis.call("SET", KEYS[1], 12345678901234567) return redis.call("GET", KEYS[1])', '12345678901234568'],
  ['redis.call("SET", KEYS[1], 0.1) return redis.call("GET", KEYS[1])', '0.10000000000000001'],
  [
    'redis.call("DEL", KEYS[1]) return { redis.call("GET", KEYS[1]) == false, redis.call("HMGET", KEYS[1], "a", "b") }',
    [1, [false, false]],
  ],
];

export const EXAMPLES = [...LANGUAGE, ...LIBRARIES, ...ERRORS];
