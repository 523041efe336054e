-- Writes a whole number without an exponent. Adding 0 turns -0, which Redis refuses as a number, into 0.
local function whole(number)
  return string.format('%.0f', number + 0)
end

local function varint(number)
  local bytes = {}
  while number >= 128 do
    bytes[#bytes + 1] = string.char(number % 128 + 128)
    number = math.floor(number / 128)
  end
  bytes[#bytes + 1] = string.char(number)
  return table.concat(bytes)
end

-- One field of a serialized message. A message may be extended by appending fields: the last occurrence counts.
local function number_field(tag, number)
  return tag .. varint(number)
end

local function bytes_field(tag, bytes)
  return tag .. varint(#bytes) .. bytes
end
