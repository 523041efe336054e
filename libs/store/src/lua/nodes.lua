-- Every node of a kind, each with the age of its last renewal.
local answer = {}
add_ages(answer, kind)
return answer
