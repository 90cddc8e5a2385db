-- What a run of wrk came to, one line of JSON.
function done(summary)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "microseconds": %d, "failed": {"connect": %d, "read": %d, "write": %d, "status": %d, ' ..
    '"timeout": %d}}\n', summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
