-- Fills the holes of one template and tells what came of it. `init` gets the path of a Lua table
-- that loadtest/bench/wrk.py has written; one wrk thread, so numbers need no sharing.
local ffi = require('ffi')
ffi.cdef('typedef struct { long sec; long usec; } timeval; int gettimeofday(timeval *, void *);')
local now = ffi.new('timeval')
local ask
local threads = {}
began_us, finished_us = 0, 0  -- globals: read from outside by thread:get

local function now_us()
  ffi.C.gettimeofday(now, nil)
  return tonumber(now.sec) * 1000000 + tonumber(now.usec)
end

local function put(out, pieces, number, value)
  for i = 1, #pieces do
    local piece = pieces[i]
    if piece == ask.NUMBER then
      piece = string.format('%0' .. #ask.NUMBER .. '.0f', number)
    elseif piece == ask.OFFER then
      piece = string.format('%02d', number % ask.OFFERS)
    elseif piece == ask.VALUE then
      piece = value
    end
    out[#out + 1] = piece
  end
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  ask = dofile(args[1])
  if ask.values then
    local values = {}
    for line in io.lines(ask.values) do values[#values + 1] = line end
    ask.values = values
  end
end

local asked = -1  -- wrk asks once for a look, and throws that away

function request()
  if asked == 0 then began_us = now_us() end
  asked = asked + 1
  local value
  if ask.values then
    value = ask.values[asked + 1]
    if not value then
      if finished_us == 0 then finished_us = now_us() end
      wrk.thread:stop()
      return ask.idle
    end
  end
  local first = ask.first + asked * math.max(ask.items, 1)
  local out = {}
  put(out, ask.start, first, value)
  out[#out + 1] = ask.head
  for at = 0, ask.items - 1 do
    if at > 0 then out[#out + 1] = ',' end
    put(out, ask.item, first + at)
  end
  out[#out + 1] = ask.tail
  return table.concat(out)
end

function done(summary, latency)
  local began, finished = threads[1]:get('began_us'), threads[1]:get('finished_us')
  local duration = finished > 0 and finished - began or summary.duration
  local errors = summary.errors
  io.write(string.format(
    '\nWRK {"answers": %d, "us": %.0f, "p50_us": %.0f, "p99_us": %.0f, "refused": %d, "lost": %d}\n',
    summary.requests, duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
