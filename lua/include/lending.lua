-- Lending: what this stripe lent to others and has from them, in one hash that few sales ever have.
-- Its fields: `m:<offer>` units lent less units received; `out:<receiver>` the one open transfer to
-- that stripe; `in:<lender>` the latest transfer from it; `high:<offer>` where stocked serials end.
-- A transfer is { epoch, fact, offer, ranges, backs }: the number of the lender's fact is its name.
local LENDING = KEYS[8]

-- Stock that comes later must lie above what came before, also when its end was lent meanwhile.
local function keep_high(number, offer)
  local more = offer[MORE]
  redis.call('HSETNX', LENDING, 'high:' .. number, whole(#more > 0 and more[#more] or offer[END]))
end
